// Command soak runs a real host under load for a while: for a minute of turns that are
// checked while tenants change two hundred times a second, and no turn may fail; then
// with clients that leave or hardly read and plugins that are killed besides. It ends
// with an error unless every acknowledged turn is in its log once and ran on one
// revision that was registered, nothing crossed a tenant, and memory, goroutines,
// descriptors, processes and instances stayed flat in both.
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

// run is one soak.
type run struct {
	host   *hostproc.Host
	client client
	ledger ledger
	census leakcheck.Census

	revisions  revisions
	generation atomic.Int64 // of the newest change; each tenant has some of them
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
	host, err := hostproc.Binaries{Host: filepath.Join(bin, "soak", "botyard"), Plugins: filepath.Join(bin, "plugins")}.
		Start(hostproc.Settings{CacheSize: tenants / 2}, profile.Env+"="+profiles)
	if err != nil {
		return err
	}
	defer host.Stop()
	r := &run{host: host, client: newClient(host.Addr), census: leakcheck.Census{Host: host, Profiles: profiles}}
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
		time.Sleep(settleFor)
		if err := r.census.Take(ctx, p.name); err != nil {
			return err
		}
	}
	r.ledger.print()
	return errors.Join(r.ledger.err(), r.census.Err())
}

// warm has every plugin and instance there, and connections open.
func (r *run) warm(ctx context.Context) error {
	if err := r.load(ctx, phase{name: "warming up", length: 5 * time.Second, quick: true}); err != nil {
		return err
	}
	// Last, so that its bot is still cached, and its instance counted, when all rests.
	status, body, err := r.client.do(ctx, http.MethodPost, "/api/v1/chat", idOf(tenants-1), object{"conversation_id": "warm", "message": "tell me much"})
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, body)
	}
	return err
}
