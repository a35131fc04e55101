package registry

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
)

func putOwn(t testing.TB, r *Registry, id string, own *config.Document) Tenant {
	t.Helper()
	got, err := r.Put(context.Background(), id, own, PutOptions{Author: tenantstore.Tenant})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// whenNot returns an own document that sets v to own. The check refuses the own document if the
// operator's document sets v to the given v.
func whenNot(v, own any) *config.Document {
	return config.FromMap("own", map[string]any{"v": own, "forbidden": v})
}

func TestRegistry_Put_ownSettingsReachAllHosts(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	b.within(t, "x", "1")
	turn := acquire(t, b.Registry, "x")
	defer turn.Release()
	if got := putOwn(t, a.Registry, "x", doc("v", "own")); got.Revision != "1+own" || got.Version != 2 || !got.Created {
		t.Errorf("%+v", got)
	}
	if a.revision(t, "x") != "1+own" {
		t.Error("not served where it was put")
	}
	b.within(t, "x", "1+own")
	if turn.Revision != "1" {
		t.Error("a turn at work got another revision")
	}
	// Each host can change each document of the tenant.
	put(t, b.Registry, "x", 2)
	a.within(t, "x", "2+own")
	putOwn(t, b.Registry, "x", doc("v", "other"))
	a.within(t, "x", "2+other")
	if _, err := a.RemoveOwn(t.Context(), "x", ""); err != nil {
		t.Fatal(err)
	}
	b.within(t, "x", "2")
	if _, err := b.RemoveOwn(t.Context(), "x", ""); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := b.Put(t.Context(), "nobody", doc("v", 1), PutOptions{Author: tenantstore.Tenant}); !fault.Is(err, fault.NotFound) {
		t.Errorf("own settings of nobody: %v", err)
	}
	var authors []string
	versions, _, err := a.History(t.Context(), "x", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		authors = append(authors, fmt.Sprint(v.Author, v.Own != nil))
	}
	if got := strings.Join(authors, " "); got != "tenantfalse tenanttrue operatortrue tenanttrue operatorfalse" && got != "tenantfalse tenanttrue operatortrue tenanttrue false operatorfalse" {
		t.Errorf("the history is %s", got)
	}
}

// TestRegistry_Put_ownSettingsOfAFileTenant checks that own settings of a file's tenant are
// stored in the tenant store, and that all hosts with the file serve them. The own settings
// stay stored while the file is away.
func TestRegistry_Put_ownSettingsOfAFileTenant(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	file := func(s *testHost, v any) {
		t.Helper()
		if _, err := s.Put(t.Context(), "f", doc("v", v), PutOptions{Source: "f.hcl"}); err != nil {
			t.Fatal(err)
		}
	}
	file(a, 1)
	file(b, 1)
	if b.revision(t, "f") != "1" {
		t.Error("not served")
	}
	if got := putOwn(t, a.Registry, "f", doc("v", "own")); got.Source != "f.hcl" || got.Revision != "1+own" {
		t.Errorf("%+v", got)
	}
	if a.revision(t, "f") != "1+own" {
		t.Error("not served where it was put")
	}
	b.within(t, "f", "1+own")
	file(b, 2)
	if got := b.revision(t, "f"); got != "2+own" {
		t.Errorf("the file changed, and %s is served", got)
	}
	// Hosts that start later read the own settings too. c reads them by Get, and d by Reload
	// and Snapshot.
	c := openTestHost(t, shared)
	file(c, 2)
	if got, err := c.Get(t.Context(), "f"); err != nil || got.Revision != "2+own" || got.Documents.Own == nil {
		t.Errorf("%+v, %v", got, err)
	}
	d := openTestHost(t, shared)
	file(d, 2)
	changes, _, err := reloadBy(t.Context(), d.Registry, d.base().check, nil)
	if err != nil || len(changes) != 1 || changes[0].To != "2+own" {
		t.Errorf("%+v, %v", changes, err)
	}
	if s, err := d.Snapshot(t.Context(), "f"); err != nil || s.Own == nil || s.Effective.Revision != "2+own" {
		t.Errorf("%+v, %v", s, err)
	}
	// b drops the file and puts it again.
	b.DropFile("f", "f.hcl")
	if b.revision(t, "f") != "" {
		t.Error("served without its file")
	}
	file(b, 3)
	b.within(t, "f", "3+own")
	// Own settings do not begin a new incarnation.
	if a.incarnation("f") != b.incarnation("f") {
		t.Errorf("incarnations %q and %q", a.incarnation("f"), b.incarnation("f"))
	}
	if _, err := a.RemoveOwn(t.Context(), "f", ""); err != nil {
		t.Fatal(err)
	}
	b.within(t, "f", "3")
}

// TestPersistedCatalog_ensureFresh_fileTenantWithoutStore checks that a file's tenant is still
// served with its own settings while the tenant store fails. A change of the own settings fails
// then.
func TestPersistedCatalog_ensureFresh_fileTenantWithoutStore(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a := openTestHost(t, shared)
	if _, err := a.Put(t.Context(), "f", doc("v", 1), PutOptions{Source: "f.hcl"}); err != nil {
		t.Fatal(err)
	}
	putOwn(t, a.Registry, "f", doc("v", "own"))
	acquire(t, a.Registry, "f").Release()
	shared.Fail(fault.New(fault.PluginUnavailable, "down"))
	defer shared.Fail(nil)
	for range 3 {
		if l := acquire(t, a.Registry, "f", ForceRefresh()); l.Revision != "1+own" {
			t.Errorf("served at %s", l.Revision)
		} else {
			l.Release()
		}
	}
	if _, err := a.Put(t.Context(), "f", doc("v", "x"), PutOptions{Author: tenantstore.Tenant}); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("own settings are acknowledged that nobody keeps: %v", err)
	}
	if got, err := a.Get(t.Context(), "f"); err != nil || got.Revision != "1+own" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestRegistry_Put_bothDocumentsAtOnce checks that concurrent patches of both documents are all
// applied.
func TestRegistry_Put_bothDocumentsAtOnce(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	for name, r := range map[string]*Registry{"stored": openTestHost(t, shared).Registry, "in memory": (&builder{}).open(t, time.Minute, 10)} {
		t.Run(name, func(t *testing.T) {
			put(t, r, "x", 0)
			done := make(chan error)
			const each = 5
			for i := range each {
				for _, author := range []Author{tenantstore.Operator, tenantstore.Tenant} {
					go func() {
						for {
							_, err := r.Put(context.Background(), "x", doc(fmt.Sprint("k", i), i), PutOptions{Author: author, Patch: true})
							if !fault.Is(err, fault.Conflict) {
								done <- err
								return
							}
						}
					}()
				}
			}
			for range 2 * each {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			got, err := r.Get(t.Context(), "x")
			if err != nil || len(got.Documents.Operator.Values()) != each+1 || len(got.Documents.Own.Values()) != each {
				t.Errorf("%v %v, %v", got.Documents.Operator.Values(), got.Documents.Own.Values(), err)
			}
		})
	}
}

// TestRegistry_Put_ownSettingsLeaveTheOperatorStorages checks that own settings cannot name
// more than bounds.MaxOwnStoragesNoted storages, so that the operator can still name other
// storages. Own settings that keep the storage are still accepted.
func TestRegistry_Put_ownSettingsLeaveTheOperatorStorages(t *testing.T) {
	// beyond: storages noted
	a := openTestHost(t, &tenantstoretest.Memory{})
	a.o.Storage = func(e *config.Effective) config.SealedBlock {
		digest, _, _ := strings.Cut(e.Revision, ".")
		return config.SealedBlock{Digest: digest, Kind: "storage", Plugin: "p", Config: []byte(`{}`)}
	}
	put(t, a.Registry, "x", 1) // records the first storage
	own := func(v string) error {
		_, err := a.Put(t.Context(), "x", doc("v", v), PutOptions{Author: tenantstore.Tenant})
		return err
	}
	for i := 1; i < bounds.MaxOwnStoragesNoted; i++ {
		if err := own(fmt.Sprint("s", i)); err != nil {
			t.Fatal(err)
		}
		acquire(t, a.Registry, "x").Release()
	}
	if err := own("more"); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "conversation_storage" || !strings.Contains(err.Error(), "have the operator name another") {
		t.Errorf("%v", err)
	}
	for i := 2; i <= bounds.MaxStoragesNoted-bounds.MaxOwnStoragesNoted+1; i++ {
		put(t, a.Registry, "x", i)
		acquire(t, a.Registry, "x").Release()
		if err := own(fmt.Sprintf("s%d.%d", bounds.MaxOwnStoragesNoted-1, i)); err != nil { // the storage stays the same
			t.Errorf("%d: %v", i, err)
		}
	}
	if e, err := a.store.Get(t.Context(), "x"); err != nil || len(e.Storages) != bounds.MaxStoragesNoted {
		t.Errorf("%d storages are noted, %v", len(e.Storages), err)
	}
}

// TestRegistry_Put_ownSettingsReplaceAMissingPlugin checks that own settings whose plugin is
// missing are reported as an error, and that own settings that replace them are not, whether the
// Put is a dry run or not.
func TestRegistry_Put_ownSettingsReplaceAMissingPlugin(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	a, b := openTestHost(t, shared), openTestHost(t, shared)
	put(t, a.Registry, "x", 1)
	putOwn(t, a.Registry, "x", doc("v", "missing"))
	_, missing := config.ReadFile(t.TempDir() + "/missing.hcl")
	check := b.o.Check
	b.o.Check = func(ctx context.Context, id string, docs config.Documents, trial Trial) (*config.Effective, error) {
		if docs.Own.Values()["v"] == "missing" {
			return nil, missing
		}
		return check(ctx, id, docs, trial)
	}
	if got, err := b.Get(t.Context(), "x"); err != nil || got.Err == nil || got.Held != nil {
		t.Errorf("with a missing plugin: %+v, %v", got, err)
	}
	for _, dry := range []bool{true, false} {
		got, err := b.Put(t.Context(), "x", doc("v", "other"), PutOptions{Author: tenantstore.Tenant, DryRun: dry})
		if err != nil || got.Err != nil || got.Revision != "1+other" {
			t.Errorf("dry run %v: %+v, %v", dry, got, err)
		}
	}
}
