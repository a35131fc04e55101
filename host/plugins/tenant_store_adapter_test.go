package plugins

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// newStoreHost returns a manager with the plugin internal/storeplugin under the name, and an
// instance of it. The calls of List end when the file at the path gate exists.
func newStoreHost(t *testing.T, name string) (h *host, i *Instance, gate string) {
	t.Helper()
	h = newHost(t, hostOptions{})
	put(t, filepath.Join(h.dir, "botyard-storage-"+name), bytes.Clone(storePlugin))
	if err := h.Rescan(); err != nil {
		t.Fatal(err)
	}
	gate = filepath.Join(t.TempDir(), "gate")
	i = h.open(Spec{Kind: storage.Kind, Name: name, Config: fmt.Appendf(nil, `{"gate": %q}`, gate)})
	t.Cleanup(i.Close)
	return h, i, gate
}

// TestTenantStore_WatchTenants_leavesRoom checks that the watch of a tenant store, which never
// ends, does not take the last place of a process that takes few calls at once. A process that
// takes a single call is not watched: the host must ask it for changes.
func TestTenantStore_WatchTenants_leavesRoom(t *testing.T) {
	for name, watched := range map[string]bool{"one": false, "two": true} {
		t.Run(name, func(t *testing.T) {
			_, i, _ := newStoreHost(t, name)
			store := i.TenantStore()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			notices, ended := make(chan struct{}, 100), make(chan error, 1)
			go func() {
				ended <- store.(storage.TenantWatcher).WatchTenants(ctx, func() error { notices <- struct{}{}; return nil })
			}()
			select {
			case <-notices: // the watch has begun
				if !watched {
					t.Fatal("the watch has the only place")
				}
			case err := <-ended:
				if watched || !fault.Is(err, fault.Invalid) || fault.Of(err).Party != fault.PartyPlugin {
					t.Fatalf("the watch ended at once: %v; want it only for a process that takes one call, as invalid and the plugin at fault", err)
				}
			}
			if _, err := store.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: "a", State: storage.TenantActive, Attempt: "1"}); err != nil {
				t.Errorf("a call beside the watch: %v", err)
			}
			if watched {
				<-notices // of the change
				stop()
				if err := <-ended; !fault.Is(err, fault.Canceled) {
					t.Errorf("the end of the watch: %v", err)
				}
			}
		})
	}
}

// TestTenantStore_isFollowed checks that a host learns of changes from a process that takes one or
// two calls at once.
func TestTenantStore_isFollowed(t *testing.T) {
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			_, i, _ := newStoreHost(t, name)
			heard := make(chan storage.TenantChange, 100)
			options := tenantstore.Options{Storage: i.TenantStore, Key: secret.NewKey(), Changed: func(changes []storage.TenantChange) {
				for _, c := range changes {
					heard <- c
				}
			}}
			follower := tenantstore.New(options)
			if err := follower.EnsureFresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { follower.Run(ctx) })
			defer func() { stop(); running.Wait() }()
			options.Changed = func([]storage.TenantChange) {}
			other := tenantstore.New(options) // of another host
			for n := range int64(3) {
				if _, err := other.Put(t.Context(), tenantstore.Entry{Tenant: "a", State: storage.TenantActive}, tenantstore.PutOptions{IfVersion: n}); err != nil {
					t.Fatal(err)
				}
				if c := <-heard; c.Tenant != "a" || c.Version != n+1 {
					t.Errorf("heard of version %d of %s; want %d of a", c.Version, c.Tenant, n+1)
				}
			}
		})
	}
}

// TestTenantStore_besideTurns checks that a call of the tenant store does not wait behind the calls
// of many tenants, in a process that takes one or two calls at once.
func TestTenantStore_besideTurns(t *testing.T) {
	const tenants = 40
	for _, name := range []string{"one", "two"} {
		t.Run(name, func(t *testing.T) {
			h, i, gate := newStoreHost(t, name)
			store := i.TenantStore()
			if _, err := store.TenantChanges(t.Context(), 0, 1); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			var listed atomic.Int32
			for n := range tenants {
				all.Go(func() {
					_, err := i.Storage().List(t.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: fmt.Sprint("t", n)}, Limit: 1})
					if err != nil {
						t.Error(err)
					}
					listed.Add(1)
				})
			}
			// One or two calls are at work, and all others wait in the queue.
			eventually(t, 20*time.Second, "all calls wait", func() bool {
				st := h.row(name)
				return st.Calls == tenants && st.Waiting == tenants-map[string]int{"one": 1, "two": 2}[name]
			})
			var changes sync.WaitGroup
			changes.Go(func() {
				_, err := store.TenantChanges(t.Context(), 0, 1)
				if n := listed.Load(); err != nil || n > tenants/2 {
					t.Errorf("the tenant store answered after %d of %d calls of tenants: %v", n, tenants, err)
				}
			})
			eventually(t, 20*time.Second, "the call of the tenant store waits", func() bool { return h.row(name).Calls == tenants+1 })
			if err := os.WriteFile(gate, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			changes.Wait()
			all.Wait()
		})
	}
}
