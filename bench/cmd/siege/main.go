package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/leakcheck"
	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/host/bounds"
)

const (
	memoryLimit     = 1 << 30 // bytes of the host and its plugins together
	pairs           = 3       // a pair is a round in quiet and a round under attack
	maxTimesQuiet   = 3       // most that the p99 under attack may be, as a multiple of the p99 in quiet
	restAfterAttack = time.Minute
)

func main() {
	bin := flag.String("bin", "bin", "`FOLDER` of plugins/, and of the watched host in soak/")
	length := flag.Duration("for", 2*time.Minute, "how long the attack runs in all")
	only := flag.String("only", "", "the `NAME` of the one attack to run")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of what is random")
	log := flag.String("log", "", "a `FILE` for all that the host says")
	attackAddr := flag.String("attack", "", "attack the host at `ADDRESS`, for the program itself")
	serving := flag.Bool("serve", false, "be the hostile servers, for the program itself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case *serving:
		if err = useIdlePriority(); err == nil {
			err = serve(ctx)
		}
	case *attackAddr != "":
		if err = useIdlePriority(); err != nil {
			break
		}
		err = runAttacks(ctx, *attackAddr, *only, *seed)
	default:
		if err = siege(ctx, *bin, *length, *only, *seed, *log); err == nil {
			fmt.Println("siege: everything held")
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "siege:", err)
		os.Exit(1)
	}
}

func siege(ctx context.Context, bin string, length time.Duration, only string, seed uint64, log string) (err error) {
	fmt.Printf("seed %d\n", seed)
	profiles, err := os.MkdirTemp("", "siege")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(profiles) }()
	limit, err := newLimit(memoryLimit)
	if err != nil {
		fmt.Printf("no memory limit could be set (%v): what is used is watched instead\n", err)
	}
	defer limit.remove()
	servers, err := startServers()
	if err != nil {
		return err
	}
	defer servers.Stop()
	host, err := hostproc.Binaries{Host: filepath.Join(bin, "soak", "botyard"), Plugins: filepath.Join(bin, "plugins"), Cgroup: limit.procs()}.
		Start(hostproc.Settings{}, profile.Env+"="+profiles)
	if err != nil {
		return err
	}
	defer func() {
		host.Stop()
		if log != "" {
			err = errors.Join(err, os.WriteFile(log, []byte(host.Output()), 0o600))
		}
	}()
	neighbours := newNeighbours(host.Addr)
	if err := errors.Join(neighbours.register(ctx), registerHostile(ctx, host.Addr, servers)); err != nil {
		return err
	}
	// The hostile databases never answer, so orphan turns may still wait for them when the siege is over.
	leaks := leakcheck.Checker{Host: host, Profiles: profiles, WaitingGoroutines: hostileDatabases * bounds.MaxOrphans}
	warmHostile(ctx, host.Addr)
	if _, err := neighbours.haveTurns(ctx, 5*time.Second); err != nil { // warms up: opens connections and starts plugins before the measurements
		return err
	}
	time.Sleep(restFor)
	if err := leaks.Measure(ctx, "the beginning"); err != nil {
		return err
	}

	var ratios []float64
	var errs []error
	for range pairs {
		quiet, err := neighbours.haveTurns(ctx, length/pairs/2)
		errs = append(errs, err)
		attackers, err := startAttackProcess(ctx, host.Addr, only, seed)
		if err != nil {
			return err
		}
		watch := limit.watch(ctx, host.PID)
		loud, err := neighbours.haveTurns(ctx, length/pairs)
		errs = append(errs, err, watch(), attackers.stop())
		seed++
		ratios = append(ratios, float64(loud.p99)/float64(quiet.p99))
		fmt.Printf("neighbours: %d turns in quiet, p50 %s, p99 %s; %d under attack, p50 %s, p99 %s\n",
			quiet.turns, quiet.p50, quiet.p99, loud.turns, loud.p50, loud.p99)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if host.Ended() {
			return fmt.Errorf("the host did not live: %w\n%s", errors.Join(errs...), tail(host.Output()))
		}
	}
	slices.Sort(ratios)
	fmt.Printf("p99 under attack is %.1f times that in quiet (%.1f)\n", ratios[pairs/2], ratios)
	if ratios[pairs/2] > maxTimesQuiet {
		errs = append(errs, fmt.Errorf("the neighbours' p99 is %.1f times that in quiet: at most %d was wanted", ratios[pairs/2], maxTimesQuiet))
	}
	time.Sleep(restAfterAttack)
	if _, err := neighbours.haveTurns(ctx, time.Second); err != nil {
		errs = append(errs, fmt.Errorf("a minute later: %w", err))
	}
	errs = append(errs, leaks.Measure(ctx, "the siege"), leaks.Err())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w\nthe host said at last:\n%s", err, tail(host.Output()))
	}
	return nil
}

// tail returns the last 4 KiB of a host's output, for an error.
func tail(output string) string { return output[max(0, len(output)-4<<10):] }

// restFor is how long the host rests before leaks are first measured.
const restFor = 20 * time.Second
