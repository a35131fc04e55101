package tenantstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/storage"
)

// formerEnvelope is the stored form of a registration in a host that does not know own
// settings.
type formerEnvelope struct {
	Format   int                       `json:"format"`
	Settings json.RawMessage           `json:"settings,omitempty"`
	Sealed   []config.Path             `json:"sealed,omitempty"`
	Storages []config.SealedBlock      `json:"storages,omitempty"`
	Former   []tenantstore.Incarnation `json:"former,omitempty"`
	Receipt  json.RawMessage           `json:"receipt,omitempty"`
}

// formerly writes the tenant's next version as a host writes it that does not know own
// settings.
func formerly(t *testing.T, shared storage.TenantStore, tenant string, state storage.TenantState, change func(*formerEnvelope)) {
	t.Helper()
	var env formerEnvelope
	req := &storage.PutTenantRequest{Tenant: tenant, State: state, Attempt: fmt.Sprint(tenant, state, t.Name())}
	if found, err := shared.GetTenants(t.Context(), []string{tenant}); err != nil {
		t.Fatal(err)
	} else if len(found) > 0 {
		if err := json.Unmarshal(found[0].Document, &env); err != nil || env.Format != 1 {
			t.Fatalf("a host of before cannot read it: %v, format %d", err, env.Format)
		}
		req.IfVersion, req.Incarnation = found[0].Version, found[0].Incarnation
		req.Attempt += fmt.Sprint(req.IfVersion)
	}
	env.Format = 1
	change(&env)
	var err error
	if req.Document, err = json.Marshal(env); err != nil {
		t.Fatal(err)
	}
	if _, err := shared.PutTenant(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func setting(v int) func(*formerEnvelope) {
	return func(e *formerEnvelope) { e.Settings = []byte(fmt.Sprintf(`{"v":%d}`, v)) }
}

func get(t *testing.T, l *tenantstore.Store, tenant string) *tenantstore.Entry {
	t.Helper()
	e, err := l.Get(t.Context(), tenant)
	if err != nil || e.Err != nil {
		t.Fatal(err, e.Err)
	}
	return e
}

func TestStore_Put_sealsOwnSettings(t *testing.T) {
	shared, key := &tenantstoretest.Memory{}, secret.NewKey()
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
	text := map[string]any{"llm": map[string]any{"api_key": "sk-hunter2"}}
	path := []config.Path{{"llm", "api_key"}}
	put, err := l.Put(t.Context(), tenantstore.Entry{
		Tenant: "a", State: storage.TenantActive, Author: tenantstore.Tenant, Document: config.FromMap("a", text), Literals: path,
		Own: config.FromMap("b", text), OwnLiterals: path,
	}, tenantstore.PutOptions{})
	if err != nil || put.Err != nil {
		t.Fatal(err, put.Err)
	}
	stored, err := shared.GetTenants(t.Context(), []string{"a"})
	if err != nil || strings.Contains(string(stored[0].Document), "hunter2") {
		t.Errorf("stored as %s, %v", stored[0].Document, err)
	}
	e := get(t, l, "a")
	if e.Author != tenantstore.Tenant || fmt.Sprint(e.Own.Values()) != fmt.Sprint(text) || fmt.Sprint(e.Own.Marked()) != "[llm.api_key]" {
		t.Errorf("%+v %v", e, e.Own.Marked())
	}
	// A secret that was sealed in one of the two documents cannot be unsealed in the other
	// document.
	var env map[string]json.RawMessage
	if err := json.Unmarshal(stored[0].Document, &env); err != nil {
		t.Fatal(err)
	}
	env["settings"], env["own"] = env["own"], env["settings"]
	swapped, _ := json.Marshal(env)
	if _, err := shared.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: "a", IfVersion: 1, State: storage.TenantActive, Document: swapped, Attempt: "x"}); err != nil {
		t.Fatal(err)
	}
	if e, err := l.Get(t.Context(), "a"); err != nil || e.Err == nil || e.Document != nil || e.Own != nil {
		t.Errorf("sealed settings were exchanged: %+v, %v", e, err)
	}
}

// TestStore_recoverOwn checks that own settings survive a version of an older host, which
// leaves them out. Get, List and History must all take them from the version before.
func TestStore_recoverOwn(t *testing.T) {
	shared, key := &tenantstoretest.Memory{}, secret.NewKey()
	open := func() *tenantstore.Store {
		return tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
	}
	l := open()
	formerly(t, shared, "a", storage.TenantActive, setting(1))
	formerly(t, shared, "never", storage.TenantActive, setting(1))
	e := get(t, l, "a")
	if e.Own != nil || e.Author != "" {
		t.Fatalf("%+v", e)
	}
	e.Own, e.OwnLiterals, e.Author = config.FromMap("own", map[string]any{"llm": map[string]any{"api_key": "sk"}}), []config.Path{{"llm", "api_key"}}, tenantstore.Tenant
	if _, err := l.Put(t.Context(), *e, tenantstore.PutOptions{IfVersion: e.Version}); err != nil {
		t.Fatal(err)
	}
	for v := range 2*10 + 5 { // more versions than recoverOwn reads with one call
		formerly(t, shared, "a", storage.TenantActive, setting(2+v))
	}
	formerly(t, shared, "never", storage.TenantActive, setting(2))
	for name, l := range map[string]*tenantstore.Store{"that wrote them": l, "that comes": open()} {
		t.Run("host "+name, func(t *testing.T) {
			e := get(t, l, "a")
			if e.Own == nil || fmt.Sprint(e.OwnLiterals) != "[llm.api_key]" || fmt.Sprint(e.Document.Values()) != "map[v:26]" {
				t.Errorf("%+v", e)
			}
			if list, _, err := l.List(t.Context(), "", 10); err != nil || len(list) != 3 || list[1].Own == nil || list[2].Own != nil {
				t.Errorf("lists %d, %v", len(list), err)
			}
			for before := int64(0); before != 1; {
				page, _, err := l.History(t.Context(), "a", before, 7)
				if err != nil || len(page) == 0 {
					t.Fatal(err)
				}
				for _, v := range page {
					if before = v.Version; (v.Own != nil) != (v.Version > 1) {
						t.Errorf("version %d has own settings %v", v.Version, v.Own)
					}
				}
			}
		})
	}
	// The next version of a newer host has the own settings again, except if it removes them.
	e = get(t, l, "a")
	if _, err := l.Put(t.Context(), *e, tenantstore.PutOptions{IfVersion: e.Version}); err != nil {
		t.Fatal(err)
	}
	if e = get(t, l, "a"); e.Own == nil {
		t.Error("they are gone with the next version")
	}
	e.Own, e.OwnLiterals = nil, nil
	if _, err := l.Put(t.Context(), *e, tenantstore.PutOptions{IfVersion: e.Version}); err != nil {
		t.Fatal(err)
	}
	formerly(t, shared, "a", storage.TenantActive, setting(99))
	if e = get(t, l, "a"); e.Own != nil {
		t.Error("own settings that were removed are back")
	}
}

// TestStore_recoverOwn_notAfterPurge checks that own settings from before a purge do not come
// back, even if an older host made the purge and registered the tenant again.
func TestStore_recoverOwn_notAfterPurge(t *testing.T) {
	shared, key := &tenantstoretest.Memory{}, secret.NewKey()
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
	if _, err := l.Put(t.Context(), tenantstore.Entry{Tenant: "a", State: storage.TenantActive, Document: config.FromMap("a", nil), Own: config.FromMap("b", nil)}, tenantstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	formerly(t, shared, "a", storage.TenantPurged, func(e *formerEnvelope) { *e = formerEnvelope{Format: 1} })
	if e := get(t, l, "a"); e.Own != nil {
		t.Error("a purged tenant has own settings")
	}
	formerly(t, shared, "a", storage.TenantActive, setting(1))
	if e := get(t, l, "a"); e.Own != nil {
		t.Error("a new tenant has the own settings of a purged one")
	}
}

// TestStore_recoverOwn_costsNothingWithoutOwn checks that Get and List make only one call of
// the storage for a tenant without own settings that an older host registered.
func TestStore_recoverOwn_costsNothingWithoutOwn(t *testing.T) {
	shared, key := &tenantstoretest.Memory{}, secret.NewKey()
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
	for v := range 3 {
		formerly(t, shared, "a", storage.TenantActive, setting(v))
	}
	calls := func(do func(ctx context.Context)) int {
		before := shared.Calls()
		do(t.Context())
		return shared.Calls() - before
	}
	look := func(context.Context) { get(t, l, "a") }
	if n := calls(look); n != 1 {
		t.Errorf("%d calls", n)
	}
	// The number of calls stays the same when another tenant gets own settings.
	if _, err := l.Put(t.Context(), tenantstore.Entry{Tenant: "b", State: storage.TenantActive, Document: config.FromMap("a", nil), Own: config.FromMap("b", nil)}, tenantstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if n := calls(look); n != 1 {
		t.Errorf("%d calls once there are own settings", n)
	}
	if n := calls(func(ctx context.Context) {
		if _, _, err := l.List(ctx, "", 10); err != nil {
			t.Error(err)
		}
	}); n != 1 {
		t.Errorf("%d calls for a list", n)
	}
}

// TestStore_Get_recordedByOlderHost checks that the Store reads registrations that a host
// without own settings wrote. The file testdata/former.json has these registrations and their
// key.
func TestStore_Get_recordedByOlderHost(t *testing.T) {
	text, err := os.ReadFile("testdata/former.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Key           []byte
		Registrations []struct {
			Tenant, Incarnation, Note string
			Version                   int64
			State                     storage.TenantState
			Document                  json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "host.key")
	if err := os.WriteFile(file, recorded.Key, 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := secret.LoadOrCreateKey(file)
	if err != nil {
		t.Fatal(err)
	}
	shared := &tenantstoretest.Memory{}
	newest := map[string]int64{}
	for _, r := range recorded.Registrations {
		_, err := shared.PutTenant(t.Context(), &storage.PutTenantRequest{
			Tenant: r.Tenant, IfVersion: newest[r.Tenant], State: r.State, Incarnation: r.Incarnation, Document: r.Document,
			Note: r.Note, Attempt: fmt.Sprint(r.Tenant, r.Version),
		})
		if err != nil {
			t.Fatal(err)
		}
		newest[r.Tenant]++
	}
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
	for tenant, state := range map[string]storage.TenantState{
		"a": storage.TenantActive, "gone": storage.TenantRemoved, "purged": storage.TenantPurged, "f": storage.TenantFromFile,
	} {
		t.Run(tenant, func(t *testing.T) {
			e := get(t, l, tenant)
			if e.State != state || e.Own != nil || e.Author != "" || (e.Document != nil) != (tenant == "a" || tenant == "gone") {
				t.Errorf("%+v", e)
			}
			if state == storage.TenantPurged {
				return
			}
			// The tenant can get own settings, and keeps its storages and its incarnation.
			next := *e
			next.Own, next.Author = config.FromMap("own", map[string]any{"k": "v"}), tenantstore.Tenant
			put, err := l.Put(t.Context(), next, tenantstore.PutOptions{IfVersion: e.Version})
			if err != nil || put.Own == nil || len(put.Storages) != len(e.Storages) || put.Incarnation != e.Incarnation {
				t.Errorf("%+v, %v", put, err)
			}
		})
	}
	if llm, _ := get(t, l, "a").Document.Values()["llm"].(map[string]any); llm["api_key"] != "sk-x" {
		t.Errorf("the secret is %v", llm["api_key"])
	}
}
