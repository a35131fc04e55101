// Command soak runs a real host under mixed load for a while: turns that are
// checked, clients that leave or hardly read, tenants that change, plugins that are
// killed. It ends with an error unless every acknowledged turn is in its log once,
// nothing crossed a tenant, and memory, goroutines, descriptors and processes
// stayed flat.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/profile"
	"github.com/botyard/botyard/bench/internal/yard"
)

func main() {
	bin := flag.String("bin", "bin", "`FOLDER` of plugins/, and of the watched host in soak/")
	length := flag.Duration("for", 10*time.Minute, "how long the load runs")
	changes := flag.Int("changes", 200, "tenant changes a second during the first minute; 5 afterwards")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := soak(ctx, *bin, *length, *changes); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	fmt.Println("soak: everything held")
}

// run is one soak.
type run struct {
	host   *yard.Host
	client client
	ledger ledger
	census census
}

// settleFor is what a host gets to come to rest before it is counted: longer than
// it keeps idle connections, instances without a user, and a slow reader.
const settleFor = 45 * time.Second

func soak(ctx context.Context, bin string, length time.Duration, changes int) error {
	profiles, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(profiles) }()
	host, err := yard.Binaries{Host: filepath.Join(bin, "soak", "botyard"), Plugins: filepath.Join(bin, "plugins")}.
		Start(yard.Settings{CacheSize: tenants / 2}, profile.Env+"="+profiles)
	if err != nil {
		return err
	}
	defer host.Stop()
	r := &run{host: host, client: newClient(host.Addr), census: census{host: host, profiles: profiles}}
	for i := range tenants {
		if err := r.client.change(ctx, i, 0); err != nil {
			return err
		}
	}
	if err := r.crowd(ctx, 5*time.Second, 0, false); err != nil { // every plugin and bot is there
		return err
	}
	time.Sleep(settleFor)
	if err := r.census.take("before"); err != nil {
		return err
	}
	if err := r.crowd(ctx, length, changes, true); err != nil {
		return err
	}
	time.Sleep(settleFor)
	if err := r.census.take("after"); err != nil {
		return err
	}
	r.ledger.verifyAll(ctx, &r.client)
	r.ledger.print()
	return errors.Join(r.ledger.err(), r.census.err())
}

// crowd runs everybody side by side. With trouble, plugins are killed too.
func (r *run) crowd(ctx context.Context, length time.Duration, changes int, trouble bool) error {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var all sync.WaitGroup
	for i := range talkers {
		all.Go(func() { r.talk(ctx, i) })
	}
	if trouble {
		for i := range leavers {
			all.Go(func() { r.leave(ctx, i) })
		}
		for i := range dawdlers {
			all.Go(func() { r.dawdle(ctx, i) })
		}
		all.Go(func() { r.kill(ctx) })
		all.Go(func() { r.census.watch(ctx) })
	}
	if changes > 0 {
		all.Go(func() { r.changeTenants(ctx, changes) })
	}
	all.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err // interrupted
	}
	return nil
}
