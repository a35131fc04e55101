package pgstore

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// watched starts WatchTenants. told receives a value for each call of its callback, and ended
// receives its error. The cleanup of the test stops WatchTenants.
func watched(t *testing.T, s *Store) (told <-chan struct{}, ended <-chan error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	tells, ends := make(chan struct{}, 100), make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ends <- s.WatchTenants(ctx, func() error {
			tells <- struct{}{}
			return nil
		})
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return tells, ends
}

func await[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(recovery):
		t.Fatalf("%s did not come within %s", what, recovery)
		panic("unreachable")
	}
}

func put(t *testing.T, s *Store, tenant string) {
	t.Helper()
	_, err := s.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: tenant, State: storage.TenantActive, Attempt: tenant})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWatchTenants_pooler checks that WatchTenants returns fault.Invalid behind a pooler, and that
// it works with listen_dsn.
func TestWatchTenants_pooler(t *testing.T) {
	c := cluster(t)
	b, err := pgtest.PgBouncer(t.Context(), c)
	pgtest.Check(t, err)
	name := database(t)
	cfg := config(b.DSN(name))
	_, ended := watched(t, open(t, cfg))
	if err := await(t, "the end of a watch through a pooler", ended); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "listen_dsn" {
		t.Errorf("a watch through a pooler ends with %v", err)
	}
	cfg.ListenDSN = c.DSN(name)
	s := open(t, cfg)
	told, ended := watched(t, s)
	await(t, "the start", told)
	put(t, s, "a")
	await(t, "a change", told)
	put(t, open(t, config(c.DSN(name))), "b") // another host changes a tenant
	await(t, "another host's change", told)
	select {
	case err := <-ended:
		t.Errorf("the watch ended: %v", err)
	default:
	}
}

// TestWatchTenants_connectionCut checks that WatchTenants returns a retryable error when the server
// closes its connection.
func TestWatchTenants_connectionCut(t *testing.T) {
	c, name := restless(t)
	s := open(t, config(c.DSN(name)))
	for i := range 2 {
		told, ended := watched(t, s)
		await(t, "the start", told)
		if err := c.KillConnections(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := await(t, "the end of a watch that was cut", ended); fault.Is(err, fault.Invalid) || !fault.Of(err).Retryable {
			t.Errorf("a watch that was cut ends with %v", err)
		}
		soon(t, "a put after that", func() error {
			_, err := s.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: fmt.Sprint(i), State: storage.TenantActive, Attempt: "x"})
			return err
		})
	}
	page, err := s.TenantChanges(t.Context(), 0, 10)
	if err != nil || len(page.Changes) != 2 || page.Head != 2 {
		t.Errorf("the poll finds %+v, %v", page, err)
	}
}

// TestWatchTenants_callbackFails checks that WatchTenants returns the error of its callback.
func TestWatchTenants_callbackFails(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	enough := errors.New("enough")
	if err := s.WatchTenants(t.Context(), func() error { return enough }); !errors.Is(err, enough) {
		t.Errorf("the watch ended with %v", err)
	}
}
