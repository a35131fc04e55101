package memstore

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func put(t *testing.T, s *Store, tenant string, ifVersion int64, set ...func(*storage.PutTenantRequest)) *storage.Registration {
	t.Helper()
	req := &storage.PutTenantRequest{Tenant: tenant, IfVersion: ifVersion, State: storage.TenantActive,
		Document: []byte("document"), Attempt: fmt.Sprint(tenant, ifVersion)}
	for _, f := range set {
		f(req)
	}
	reg, err := s.PutTenant(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestPutTenant_boundsVersions(t *testing.T) {
	s := New(Config{})
	most := 0
	for i := range int64(5 * storage.MaxHistoryVersions) {
		put(t, s, "t", i)
		kept, _ := s.registered.byID.Get(&registeredTenant{id: "t"})
		if most = max(most, len(kept.versions)); i >= storage.MaxHistoryVersions && len(kept.versions) < storage.MaxHistoryVersions {
			t.Fatalf("after %d versions %d are kept", i+1, len(kept.versions))
		}
	}
	if most > 2*storage.MaxHistoryVersions {
		t.Errorf("up to %d versions of a tenant are kept; want at most %d", most, 2*storage.MaxHistoryVersions)
	}
}

func TestPutTenant_eraseHistory(t *testing.T) {
	s := New(Config{})
	put(t, s, "t", 0)
	put(t, s, "t", 1, func(r *storage.PutTenantRequest) { r.EraseHistory, r.Document = true, nil })
	kept, _ := s.registered.byID.Get(&registeredTenant{id: "t"})
	for _, v := range kept.versions[:cap(kept.versions)] {
		if len(v.Document) > 0 {
			t.Errorf("version %d is still in memory", v.Version)
		}
	}
}

// TestPutTenant_copiesDocuments overwrites documents that it passed to the Store and documents that
// it got from the Store. It checks that the stored documents stay the same.
func TestPutTenant_copiesDocuments(t *testing.T) {
	s := New(Config{})
	in := []byte("document")
	answer := put(t, s, "t", 0, func(r *storage.PutTenantRequest) { r.Document = in })
	copy(in, "xxxxxxxx")
	copy(answer.Document, "yyyyyyyy")
	for range 2 {
		got, err := s.GetTenants(t.Context(), []string{"t"})
		if err != nil || string(got[0].Document) != "document" {
			t.Fatalf("%q, %v", got[0].Document, err)
		}
		copy(got[0].Document, "zzzzzzzz")
	}
}

func TestPutTenant_twoStores(t *testing.T) {
	a, b := New(Config{}), New(Config{})
	put(t, a, "t", 0)
	page, err := b.TenantChanges(t.Context(), 0, 10)
	if err != nil || page.Head != 0 || len(page.Changes) != 0 {
		t.Errorf("the second store knows %+v, %v", page, err)
	}
}

// TestWatchTenants_many checks that one change wakes all watches, and that each watch returns the
// error of its callback.
func TestWatchTenants_many(t *testing.T) {
	const watches = 50
	s := New(Config{})
	enough := errors.New("enough")
	var started atomic.Int64
	all, ended := make(chan struct{}), make(chan error, watches)
	for range watches {
		go func() {
			calls := 0
			ended <- s.WatchTenants(t.Context(), func() error {
				if calls++; calls == 2 {
					return enough
				}
				if started.Add(1) == watches {
					close(all)
				}
				return nil
			})
		}()
	}
	<-all
	put(t, s, "t", 0)
	for range watches {
		if err := <-ended; !errors.Is(err, enough) {
			t.Error(err)
		}
	}
}

func TestImport_countsBytes(t *testing.T) {
	s, _ := clocked(Config{MaxBytes: 10_000})
	turns := []storage.Turn{{Sequence: 1, State: storage.Failed, Reason: string(make([]byte, 20_000))}}
	if n, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: turns}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	turns = append(turns, storage.Turn{Sequence: 2, State: storage.Failed})
	if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: turns}); !fault.Is(err, fault.QuotaExhausted) {
		t.Errorf("import over the bound: %v", err)
	}
	if n, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: turns[:1]}); n != 0 || err != nil {
		t.Errorf("a repeat over the bound: %d, %v", n, err)
	}
	if _, err := s.Delete(t.Context(), storage.Scope{Call: call}); err != nil {
		t.Fatal(err)
	}
	if n := s.db.Size(call.Tenant); n != 0 {
		t.Errorf("%d bytes are counted when all is deleted", n)
	}
}

// TestDelete_limit checks that each call of a deletion with a limit frees turns, and that nothing is
// left after the last call.
func TestDelete_limit(t *testing.T) {
	s := New(Config{})
	for range 5 {
		commit(t, s, begin(t, s))
	}
	before := s.db.Size(call.Tenant)
	for i, more := range []bool{true, true, false} {
		d, err := s.Delete(t.Context(), storage.Scope{Call: call, Limit: 2})
		if err != nil || d.More != more {
			t.Fatalf("step %d: %+v, %v", i+1, d, err)
		}
		left := s.db.Size(call.Tenant)
		if left >= before {
			t.Errorf("step %d: %d bytes are left of %d", i+1, left, before)
		}
		before = left
	}
	if before != 0 {
		t.Errorf("%d bytes are left when all is deleted", before)
	}
}

func TestPutTenant_boundsBytes(t *testing.T) {
	// beyond: versions
	s := New(Config{})
	document := func(size int) func(*storage.PutTenantRequest) {
		return func(r *storage.PutTenantRequest) { r.Document = make([]byte, size) }
	}
	kept := func(i int64) (n, bytes int) {
		all, _ := s.registered.byID.Get(&registeredTenant{id: "t"})
		for _, v := range all.versions {
			bytes += len(v.Document)
		}
		if newest := all.newest().Version; newest != i {
			t.Fatalf("the newest is %d, not %d", newest, i)
		}
		return len(all.versions), bytes
	}
	var i int64
	for ; i < 67; i++ {
		put(t, s, "t", i, document(1<<20))
	}
	if n, bytes := kept(i); n != 32 || bytes != storage.MaxHistoryBytes {
		t.Errorf("%d versions of %d bytes", n, bytes)
	}
	for range 20 {
		put(t, s, "t", i, document(sdk.MaxDocumentBytes))
		i++
	}
	if n, _ := kept(i); n != storage.MinHistoryVersions {
		t.Errorf("%d versions", n)
	}
}
