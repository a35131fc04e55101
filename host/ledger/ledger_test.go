package ledger_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/host/ledger/ledgertest"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSecretsAreSealed(t *testing.T) {
	shared, key := &ledgertest.Registry{}, secret.NewKey()
	l := ledger.New(ledger.Options{Storage: shared, Key: key})
	settings := map[string]any{"llm": map[string]any{
		"api_key": "sk-hunter2", "n": 3, "f": 1.5, "list": []any{"a", true, nil}, "ref": "${env:X}"}}
	put, err := l.Put(t.Context(), ledger.Entry{
		Tenant: "a", State: storage.TenantActive, Incarnation: "life", Note: "n",
		Document: config.FromMap("a", settings), Literals: []config.Path{{"llm", "api_key"}},
		Former: []ledger.Life{{Incarnation: "former", Storages: []config.SealedBlock{{Digest: "d", Kind: "storage", Plugin: "p", Config: []byte(`{}`)}}}},
	}, 0, false)
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
		len(got.Former) != 1 || got.Former[0].Incarnation != "former" || got.Former[0].Storages[0].Digest != "d" {
		t.Errorf("%+v", got)
	}

	// Another host's key opens nothing, and says what to do.
	other := ledger.New(ledger.Options{Storage: shared, Key: secret.NewKey()})
	got, err = other.Get(t.Context(), "a")
	if err != nil || got.Document != nil || got.Err == nil || !strings.Contains(got.Err.Error(), "host.key") {
		t.Errorf("%+v, %v", got, err)
	}
	// A secret that is moved to another tenant does not open there.
	if _, err := shared.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: "b", State: storage.TenantActive, Document: stored[0].Document, Attempt: "x"}); err != nil {
		t.Fatal(err)
	}
	if got, err = l.Get(t.Context(), "b"); err != nil || got.Err == nil || got.Document != nil {
		t.Errorf("a stolen secret was opened: %+v, %v", got, err)
	}
}

// TestWhatIsTakenIsReadAgain: sealed and escaped, a document at its bound is several times
// as long, and is read all the same.
func TestWhatIsTakenIsReadAgain(t *testing.T) {
	l := ledger.New(ledger.Options{Storage: &ledgertest.Registry{}, Key: secret.NewKey()})
	put := func(text string) (*ledger.Entry, error) {
		document, err := config.ParseJSON("body", []byte(`{"llm":{"api_key":"`+text+`"},"prompts":{"system":"`+text+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return l.Put(t.Context(), ledger.Entry{
			Tenant: "a", State: storage.TenantActive, Incarnation: "life", Document: document, Literals: []config.Path{{"llm", "api_key"}},
		}, 0, true)
	}
	const half = 1<<19 - 100
	for name, text := range map[string]string{
		"plain": strings.Repeat("x", half), "for HTML": strings.Repeat("<", half), "lines": strings.Repeat("\u2028", half/6),
		"of three bytes": strings.Repeat("\u2028", half/6), "separators": strings.Repeat(" ", half/3), "quotes": strings.Repeat(`\"`, half/2),
	} {
		l = ledger.New(ledger.Options{Storage: &ledgertest.Registry{}, Key: secret.NewKey()})
		if e, err := put(text); err != nil || e.Err != nil {
			t.Errorf("%s: %v, %v", name, err, e)
		}
	}
	l = ledger.New(ledger.Options{Storage: &ledgertest.Registry{}, Key: secret.NewKey()})
	large := config.FromMap("x", map[string]any{"prompts": map[string]any{"system": strings.Repeat("<", config.MaxStored/6)}})
	_, err := l.Put(t.Context(), ledger.Entry{Tenant: "a", State: storage.TenantActive, Incarnation: "life", Document: large}, 0, false)
	if !fault.Is(err, fault.Invalid) {
		t.Errorf("what could not be read again is stored: %v", err)
	}
}

func TestWhatANewerHostWroteIsRefused(t *testing.T) {
	shared := &ledgertest.Registry{}
	for tenant, document := range map[string]string{"newer": `{"format":2,"settings":{}}`, "broken": `{`, "worse": `{"format":1,"settings":{"a":1,"a":2}}`} {
		if _, err := shared.PutTenant(t.Context(), &storage.PutTenantRequest{Tenant: tenant, State: storage.TenantActive, Document: []byte(document), Attempt: "x"}); err != nil {
			t.Fatal(err)
		}
		e, err := ledger.New(ledger.Options{Storage: shared, Key: secret.NewKey()}).Get(t.Context(), tenant)
		if err != nil || e.Err == nil || e.Document != nil {
			t.Errorf("%s: %+v, %v", tenant, e, err)
		}
	}
}

// lossy answers a Put that it carried out with an error, once.
type lossy struct {
	ledgertest.Registry
	lost sync.Once
}

func (l *lossy) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (r *storage.Registration, err error) {
	r, err = l.Registry.PutTenant(ctx, req)
	l.lost.Do(func() { r, err = nil, fault.New(fault.PluginUnavailable, "gone") })
	return r, err
}

func TestAnUncertainPutIsRepeated(t *testing.T) {
	l := ledger.New(ledger.Options{Storage: &lossy{}, Key: secret.NewKey()})
	e, err := l.Put(t.Context(), ledger.Entry{Tenant: "a", State: storage.TenantActive}, 0, false)
	if err != nil || e.Version != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

// noticing gives notice of changes when it is told to.
type noticing struct {
	ledgertest.Registry
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

func TestChangesAreHeardOfOnceAndInOrder(t *testing.T) {
	shared := &noticing{notice: make(chan struct{})}
	var mu sync.Mutex
	var heard []int64
	everything := 0
	l := ledger.New(ledger.Options{Storage: shared, Key: secret.NewKey(), Changed: func(changes []storage.TenantChange) {
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
		t.Error("a ledger that heard nothing is fresh")
	}
	if err := l.Confirm(t.Context()); err != nil || !l.Fresh() || !l.Empty() {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	defer func() { stop(); running.Wait() }()
	const n = 1200 // more than a page
	for range n {
		if _, err := l.Put(t.Context(), ledger.Entry{Tenant: "a", State: storage.TenantActive}, int64(shared.version(t)), false); err != nil {
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

func TestAShorterHistoryIsReadFromTheStart(t *testing.T) {
	type swap struct{ storage.Registry }
	long, short := &ledgertest.Registry{}, &ledgertest.Registry{}
	shared := &swap{long}
	everything := 0
	l := ledger.New(ledger.Options{Storage: shared, Key: secret.NewKey(), Changed: func(c []storage.TenantChange) {
		if c == nil {
			everything++
		}
	}})
	if _, err := l.Put(t.Context(), ledger.Entry{Tenant: "a", State: storage.TenantActive}, 0, false); err != nil {
		t.Fatal(err)
	}
	if err := l.Confirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	shared.Registry = short // as after the database came back from an older backup
	for l.Fresh() {
		time.Sleep(10 * time.Millisecond)
	}
	if err := l.Confirm(t.Context()); err != nil || everything != 1 {
		t.Errorf("read again %d times, %v; want once", everything, err)
	}
}
