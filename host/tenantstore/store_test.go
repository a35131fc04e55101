package tenantstore_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore_Put_sealsSecrets(t *testing.T) {
	shared, key := &tenantstoretest.Memory{}, secret.NewKey()
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key})
	settings := map[string]any{"llm": map[string]any{
		"api_key": "sk-hunter2", "n": 3, "f": 1.5, "list": []any{"a", true, nil}, "ref": "${env:X}"}}
	put, err := l.Put(t.Context(), tenantstore.Entry{
		Tenant: "a", State: storage.TenantActive, Incarnation: "life", Note: "n",
		Document: config.FromMap("a", settings), Literals: []config.Path{{"llm", "api_key"}},
		Former: []tenantstore.Incarnation{{ID: "former", Storages: []config.SealedBlock{{Digest: "d", Kind: "storage", Plugin: "p", Config: []byte(`{}`)}}}},
	}, tenantstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := shared.GetTenants(t.Context(), []string{"a"})
	if err != nil || strings.Contains(string(stored[0].Document), "hunter2") {
		t.Errorf("stored as %s, %v", stored[0].Document, err)
	}
	got, err := l.Get(t.Context(), "a")
	if err != nil || got.Err != nil {
		t.Fatal(err, got.Err)
	}
	want := map[string]any{"api_key": "sk-hunter2", "n": int64(3), "f": 1.5, "ref": "${env:X}"}
	values, _ := got.Document.Values()["llm"].(map[string]any)
	for k, v := range want {
		if values[k] != v {
			t.Errorf("%s is %#v; want %#v", k, values[k], v)
		}
	}
	if put.Version != 1 || got.Incarnation != "life" || got.Note != "n" || len(got.Literals) != 1 ||
		len(got.Former) != 1 || got.Former[0].ID != "former" || got.Former[0].Storages[0].Digest != "d" {
		t.Errorf("%+v", got)
	}

	// A host with another key cannot unseal the secrets. The error says how the operator can
	// solve this.
	other := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: secret.NewKey()})
	got, err = other.Get(t.Context(), "a")
	if err != nil || got.Document != nil || got.Err == nil || !strings.Contains(got.Err.Error(), "host.key") {
		t.Errorf("%+v, %v", got, err)
	}
	// A sealed secret that is copied to another tenant cannot be unsealed there.
	if _, err := shared.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: "b", State: storage.TenantActive, Document: stored[0].Document, Attempt: "x"}); err != nil {
		t.Fatal(err)
	}
	if got, err = l.Get(t.Context(), "b"); err != nil || got.Err == nil || got.Document != nil {
		t.Errorf("a stolen secret was opened: %+v, %v", got, err)
	}
}

func TestStore_Get_refusesNewerFormat(t *testing.T) {
	shared := &tenantstoretest.Memory{}
	for tenant, document := range map[string]string{"newer": `{"format":2,"settings":{}}`, "broken": `{`, "worse": `{"format":1,"settings":{"a":1,"a":2}}`} {
		t.Run(tenant, func(t *testing.T) {
			if _, err := shared.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: tenant, State: storage.TenantActive, Document: []byte(document), Attempt: "x"}); err != nil {
				t.Fatal(err)
			}
			e, err := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: secret.NewKey()}).Get(t.Context(), tenant)
			if err != nil || e.Err == nil || e.Document != nil {
				t.Errorf("%+v, %v", e, err)
			}
		})
	}
}

// lossy is a storage that stores the version of its first Put and returns an error.
type lossy struct {
	tenantstoretest.Memory
	lost sync.Once
}

func (l *lossy) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (r *storage.Registration, err error) {
	r, err = l.Memory.PutTenant(ctx, req)
	l.lost.Do(func() { r, err = nil, fault.New(fault.PluginUnavailable, "gone") })
	return r, err
}

func TestStore_Put_repeatsUncertain(t *testing.T) {
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(&lossy{}), Key: secret.NewKey()})
	e, err := l.Put(t.Context(), tenantstore.Entry{Tenant: "a", State: storage.TenantActive}, tenantstore.PutOptions{})
	if err != nil || e.Version != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

// noticing is a storage that sends a notice of a change when the test sends to the channel
// notice.
type noticing struct {
	tenantstoretest.Memory
	notice chan struct{}
}

func (n *noticing) WatchTenants(ctx context.Context, changed func() error) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.notice:
			if err := changed(); err != nil {
				return err
			}
		}
	}
}

func TestStore_Run_passesChangesOnceAndInOrder(t *testing.T) {
	shared := &noticing{notice: make(chan struct{})}
	var mu sync.Mutex
	var heard []int64
	everything := 0
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: secret.NewKey(), Changed: func(changes []storage.TenantChange) {
		mu.Lock()
		defer mu.Unlock()
		if changes == nil {
			everything++
		}
		for _, c := range changes {
			heard = append(heard, c.Position)
		}
	}})
	if l.Fresh() {
		t.Error("a store that polled nothing is fresh")
	}
	if err := l.EnsureFresh(t.Context()); err != nil || !l.Fresh() || !l.Empty() {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	defer func() { stop(); running.Wait() }()
	const n = 1200 // more changes than two pages of pageSize have
	for range n {
		if _, err := l.Put(t.Context(), tenantstore.Entry{Tenant: "a", State: storage.TenantActive}, tenantstore.PutOptions{IfVersion: int64(shared.version(t))}); err != nil {
			t.Fatal(err)
		}
	}
	shared.notice <- struct{}{}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		done := len(heard) == n
		mu.Unlock()
		if done {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("heard of %d changes; want %d", len(heard), n)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i, p := range heard {
		if p != int64(i+1) {
			t.Fatalf("change %d has position %d", i+1, p)
		}
	}
	if everything != 0 || l.Empty() {
		t.Errorf("everything was read again %d times", everything)
	}
}

func (n *noticing) version(t *testing.T) int64 {
	found, err := n.GetTenants(t.Context(), []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		return 0
	}
	return found[0].Version
}

func TestStore_EnsureFresh_shorterHistory(t *testing.T) {
	type swap struct{ storage.TenantStore }
	long, short := &tenantstoretest.Memory{}, &tenantstoretest.Memory{}
	shared := &swap{long}
	everything := 0
	l := tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: secret.NewKey(), Changed: func(c []storage.TenantChange) {
		if c == nil {
			everything++
		}
	}})
	if _, err := l.Put(t.Context(), tenantstore.Entry{Tenant: "a", State: storage.TenantActive}, tenantstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := l.EnsureFresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The storage has fewer changes now, as a database that was restored from an older backup.
	shared.TenantStore = short
	for l.Fresh() {
		time.Sleep(10 * time.Millisecond)
	}
	if err := l.EnsureFresh(t.Context()); err != nil || everything != 1 {
		t.Errorf("read again %d times, %v; want once", everything, err)
	}
}
