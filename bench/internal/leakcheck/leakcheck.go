// Package leakcheck counts what must stay flat in a host under load: goroutines,
// descriptors, memory, processes and the configurations that plugins hold.
package leakcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/host/bounds"
)

// Census counts what must stay flat: before and after, at rest, and the memory in
// between. It is used by one goroutine, but for Watch.
type Census struct {
	Host *hostproc.Host
	// Profiles is the folder that the watched host writes its profiles to.
	Profiles string
	// Waiting is how many goroutines of the host may wait, for long, for what does not answer.
	Waiting int

	taken []count
	grew  []error // memory under load
}

type count struct {
	what        string
	goroutines  int    // of the host
	stacks      string // of these
	descriptors map[string]int
	resident    map[string]int64
	instances   map[string]int // configurations that plugins hold
}

// Take counts at rest and prints it; what names the moment. The first is what all later
// ones are compared with.
func (c *Census) Take(ctx context.Context, what string) error {
	pids, err := c.Host.Pids()
	if err != nil {
		return err
	}
	n := count{what: what, descriptors: map[string]int{}, resident: map[string]int64{}}
	for name, pid := range pids {
		fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		if err != nil && !errors.Is(err, fs.ErrPermission) { // only root sees them
			return err
		}
		m, err := procfs.MemoryOf(pid)
		if err != nil {
			return err
		}
		n.descriptors[name], n.resident[name] = len(fds), m.RSS<<10
	}
	if n.goroutines, err = c.goroutines(pids["host"]); err != nil {
		return err
	}
	if n.stacks, err = profile.Stacks(c.Profiles, "host"); err != nil {
		return err
	}
	if n.instances, err = c.Host.Instances(ctx); err != nil {
		return err
	}
	fmt.Printf("at rest after %q: %d goroutines, descriptors %v, resident %v, instances %v\n", what, n.goroutines, n.descriptors, n.resident, n.instances)
	c.taken = append(c.taken, n)
	return nil
}

// goroutines has the watched host count them.
func (c *Census) goroutines(pid int) (int, error) {
	if err := syscall.Kill(pid, profile.Begin); err != nil {
		return 0, err
	}
	time.Sleep(200 * time.Millisecond) // signals of two kinds are not kept in order
	if err := syscall.Kill(pid, profile.End); err != nil {
		return 0, err
	}
	counts, err := profile.Read(c.Profiles, "host")
	return counts.Goroutines, err
}

// Watch follows the host's memory under load, until ctx ends, which must have a deadline.
func (c *Census) Watch(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	half := time.Now().Add(time.Until(deadline) / 2)
	var early, late int64
	for ctx.Err() == nil {
		if m, err := procfs.MemoryOf(c.Host.PID); err == nil {
			if time.Now().Before(half) {
				early = max(early, m.RSS<<10)
			} else {
				late = max(late, m.RSS<<10)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	fmt.Printf("host's resident peak: %d MB in the first half, %d MB in the second\n", early>>20, late>>20)
	if late > early+early/2+32<<20 {
		c.grew = append(c.grew, fmt.Errorf("the host's memory grows under load: %d MB at first, %d MB later", early>>20, late>>20))
	}
}

// Err says what was not flat. Goroutines and descriptors may differ by idle
// connections; memory by what the collector has not given back.
func (c *Census) Err() error {
	if len(c.taken) < 2 {
		return errors.New("nothing was counted")
	}
	errs := c.grew
	for _, after := range c.taken[1:] {
		if err := c.taken[0].compare(after, c.Waiting); err != nil {
			errs = append(errs, fmt.Errorf("after %q: %w", after.what, err))
		}
	}
	return errors.Join(errs...)
}

func (n count) compare(after count, waiting int) error {
	var errs []error
	apart := 0 // processes of tenants that may have ended one that they shared; they stay for a while
	for name := range after.descriptors {
		if _, before := n.descriptors[name]; before {
			continue
		}
		plugin, _, isApart := strings.Cut(name, hostproc.Apart)
		if _, before := n.descriptors[plugin]; !isApart || !before {
			errs = append(errs, fmt.Errorf("a process of %s came", name))
		}
		apart++
	}
	for name := range n.descriptors {
		if _, there := after.descriptors[name]; !there && !strings.Contains(name, hostproc.Apart) {
			errs = append(errs, fmt.Errorf("the process of %s went", name))
		}
	}
	if most := bounds.PluginCells * (len(n.descriptors) - 1); apart > most {
		errs = append(errs, fmt.Errorf("%d processes are apart", apart))
	}
	if after.goroutines > n.goroutines+20+waiting+goroutinesOfProcess*apart {
		errs = append(errs, fmt.Errorf("goroutines grew from %d to %d, with %d processes apart; they are\n%s\nand were\n%s",
			n.goroutines, after.goroutines, apart, after.stacks, n.stacks))
	}
	for name := range n.descriptors {
		slack := 20
		if name == "host" {
			slack += descriptorsOfProcess * apart
		}
		if after.descriptors[name] > n.descriptors[name]+slack {
			errs = append(errs, fmt.Errorf("%s: descriptors grew from %d to %d", name, n.descriptors[name], after.descriptors[name]))
		}
		if after.resident[name] > 2*n.resident[name]+64<<20 {
			errs = append(errs, fmt.Errorf("%s: memory grew from %d to %d MB", name, n.resident[name]>>20, after.resident[name]>>20))
		}
		if after.instances[name] > n.instances[name]+apart {
			errs = append(errs, fmt.Errorf("%s: instances grew from %d to %d", name, n.instances[name], after.instances[name]))
		}
	}
	return errors.Join(errs...)
}

// What a host has for each process of a plugin, at most.
const (
	goroutinesOfProcess  = 30
	descriptorsOfProcess = 10
)
