package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/leakcheck"
	"github.com/botyard/botyard/bench/internal/profile"
)

func main() {
	bin := flag.String("bin", "bin", "`FOLDER` of plugins/, and of the watched host in soak/")
	length := flag.Duration("for", 10*time.Minute, "how long the load runs in all; the first minute is of changes alone")
	changes := flag.Int("changes", 200, "tenant changes a second during the first minute")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := soak(ctx, *bin, *length, *changes); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	fmt.Println("soak: everything held")
}

// run is the state of one soak.
type run struct {
	host    *hostproc.Host
	client  client
	results results
	leaks   leakcheck.Checker

	revisions  revisions
	generation atomic.Int64 // number of the newest change of any tenant
}

// restFor is how long the host rests before leaks are measured. It is longer than the times after which
// the host closes an idle connection, an unused instance or the connection of a slow reader.
const restFor = 45 * time.Second

func soak(ctx context.Context, bin string, length time.Duration, changes int) error {
	profiles, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(profiles) }()
	host, err := hostproc.Binaries{Host: filepath.Join(bin, "soak", "botyard"), Plugins: filepath.Join(bin, "plugins")}.
		Start(hostproc.Settings{CacheSize: tenants / 2}, profile.Env+"="+profiles)
	if err != nil {
		return err
	}
	defer host.Stop()
	r := &run{host: host, client: newClient(host.Addr), leaks: leakcheck.Checker{Host: host, Profiles: profiles}}
	for i := range tenants {
		if err := r.change(ctx, i); err != nil {
			return err
		}
	}
	if err := r.warm(ctx); err != nil {
		return err
	}
	for _, p := range append([]phase{{name: "warming up"}}, phases(length, changes)...) {
		if p.length > 0 {
			if err := r.load(ctx, p); err != nil {
				return err
			}
		}
		time.Sleep(restFor)
		if err := r.leaks.Measure(ctx, p.name); err != nil {
			return err
		}
	}
	r.results.print()
	return errors.Join(r.results.err(), r.leaks.Err())
}

// warm starts every plugin and instance and opens the connections. It is called before the first
// measurement.
func (r *run) warm(ctx context.Context) error {
	if err := r.load(ctx, phase{name: "warming up", length: 5 * time.Second, warmUp: true}); err != nil {
		return err
	}
	// The last turn before the rest is a turn of a slow tenant. The bot of this tenant is therefore still
	// cached when leaks are measured, and its plugin instance is counted.
	status, body, err := r.client.do(ctx, http.MethodPost, "/api/v1/chat", tenantID(tenants-1), object{"conversation_id": "warm", "message": "tell me much"})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}
