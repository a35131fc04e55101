package archive

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/host/tenantstore/tenantstoretest"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// schemas has, by kind, the schema of the plugins of this kind. Plugins of all names have it.
type schemas map[string]*config.Schema

func (s schemas) Schema(_ context.Context, kind, name string) (*config.Schema, error) {
	if name == "" {
		return nil, &config.UnknownPluginError{Kind: kind}
	}
	return s[kind], nil
}

func newSchemas(t *testing.T) schemas {
	s := schemas{}
	for kind, src := range map[string]string{
		"llm": `{"type": "object", "properties": {"model": {"type": "string"}, "api_key": {"type": "string", "x-botyard-secret": true},
			"keys": {"type": "array", "items": {"type": "object", "properties": {"key": {"type": "string", "x-botyard-secret": true}}}}}}`,
		"memory":  `{"type": "object"}`,
		"storage": `{"type": "object", "properties": {"shelf": {"type": "string"}}}`,
	} {
		var err error
		if s[kind], err = config.CompileSchema([]byte(src)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// testHost has the registry and the archive of a host.
type testHost struct {
	*testing.T
	*Archive
	reg      *registry.Registry
	storages *testStorages
	memory   *recordingMemory
	host     *config.Host
	plugins  schemas
	opened   int // how many storages are open
	mu       sync.Mutex

	forgetful bool // opened storages keep no retractions
	ownerless bool // opened storages do not record which user wrote a turn
}

// key seals the secrets of all hosts of a test.
var key = secret.NewKey()

// newTestHost opens a host with the storages in on. shared is the tenant store that the host
// shares with other hosts; a nil shared means a host without a tenant store.
func newTestHost(t *testing.T, on *testStorages, shared storage.TenantStore) *testHost {
	t.Helper()
	s := &testHost{T: t, storages: on, memory: &recordingMemory{}}
	var err error
	s.host, err = config.LoadHost(config.LoadOptions{Sealer: key, Environ: []string{"KEY=from-the-environment"}, Document: config.FromMap("host", map[string]any{
		"allow_env": []any{"KEY"},
		"defaults":  map[string]any{"llm": map[string]any{"provider": "m"}, "conversation_storage": map[string]any{"backend": "shelf", "shelf": "one"}},
	})})
	if err != nil {
		t.Fatal(err)
	}
	s.plugins = newSchemas(t)
	var store *tenantstore.Store
	if shared != nil {
		store = tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: key, Changed: func(c []storage.TenantChange) { s.reg.StoreChanged(c) }})
	}
	s.reg, err = registry.New(registry.Options{
		TTL: time.Minute, Size: 10, Store: store,
		Check: func(ctx context.Context, id string, docs config.Documents, _ registry.Trial) (*config.Effective, error) {
			return s.host.Tenant(ctx, id, docs, s.plugins)
		},
		Storage: func(e *config.Effective) config.SealedBlock { return s.host.SealBlock(e.Tenant, e.Storage) },
		Build: func(_ context.Context, req registry.BuildRequest) (registry.Built, error) {
			return registry.Built{Bot: bot.New(bot.Parts{Tenant: req.Effective.Tenant, Incarnation: req.Incarnation, Memory: s.memory, Admission: req.Admission})}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	if store != nil {
		running.Go(func() { store.Run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
		if err := s.reg.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if s.opened != 0 {
			t.Errorf("%d storages were not given back", s.opened)
		}
	})
	s.Archive = New(Options{
		Registry: s.reg, OpenStorage: s.open,
		OpenMemory: func(context.Context, *config.Effective) (*Memory, error) {
			return &Memory{Memory: s.memory, Drain: s.memory.drain, Close: func() {}}, nil
		},
		timing: timing{
			retryFor: 400 * time.Millisecond, lateWrites: 10 * time.Millisecond,
			firstRetention: time.Millisecond, retainEvery: 10 * time.Millisecond, visit: time.Minute, now: time.Now,
		},
	})
	return s
}

func (s *testHost) open(_ context.Context, tenant string, b config.SealedBlock) (*OpenedStorage, error) {
	block, err := s.host.OpenBlock(tenant, b)
	if err != nil {
		return nil, err
	}
	name, _ := block.Config["shelf"].(string)
	s.storages.mu.Lock()
	err = s.storages.down[name]
	s.storages.mu.Unlock()
	if err != nil {
		return nil, err
	}
	shelf := s.storages.get(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return &OpenedStorage{Cursors: cursors{}, Storage: shelf, Importer: shelf, KnowsOwners: !s.ownerless, Retracts: !s.forgetful, Close: func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened--
	}}, nil
}

// register registers a tenant with the storage named shelf and with the settings in the JSON
// text more. If the registry tracks incarnations, register also makes the registry record the
// storage, as the first turn of the tenant would.
func (s *testHost) register(id, shelf, more string) {
	s.Helper()
	m := map[string]any{}
	if more != "" {
		if err := json.Unmarshal([]byte(more), &m); err != nil {
			s.Fatal(err)
		}
	}
	kept, _ := m["conversation_storage"].(map[string]any)
	if kept == nil {
		kept = map[string]any{}
	}
	kept["shelf"] = shelf
	m["conversation_storage"] = kept
	if _, err := s.reg.Put(s.Context(), id, config.FromMap(id, m), registry.PutOptions{}); err != nil {
		s.Fatal(err)
	}
	if s.reg.TracksIncarnations() {
		s.note(id)
	}
}

// note makes the registry record the tenant's storage, as the tenant's first turn does.
func (s *testHost) note(id string) {
	s.Helper()
	if _, err := s.reg.WriteTarget(s.Context(), id); err != nil {
		s.Fatal(err)
	}
}

// incarnation returns the tenant's present incarnation.
func (s *testHost) incarnation(id string) string {
	s.Helper()
	e, err := s.reg.Snapshot(s.Context(), id)
	if err != nil {
		s.Fatal(err)
	}
	return e.Incarnation.ID
}

// say writes a succeeded turn into the storage named shelf.
func (s *testHost) say(shelf, id, incarnation, conversation, user, text string) {
	s.Helper()
	call := sdk.Call{Tenant: id, Incarnation: incarnation, Conversation: conversation, User: user}
	if err := say(s.Context(), s.storages.get(shelf), call, text); err != nil {
		s.Fatal(err)
	}
}

func say(ctx context.Context, on storage.Storage, call sdk.Call, text string) error {
	b, err := on.Begin(ctx, &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, text)), Holder: "h", Lease: time.Minute, Metadata: json.RawMessage(`{"n":1}`),
	})
	if err != nil {
		return err
	}
	_, err = on.Commit(ctx, &storage.CommitRequest{
		Call: call, Fence: b.Started.Fence, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "re: "+text)),
		Usage: storage.EncodeUsage(chat.Usage{InputTokens: 1, OutputTokens: 2, CachedInputTokens: 1}), Record: json.RawMessage(`{"revision":"r"}`),
	})
	return err
}

// count returns how many conversations an incarnation has in the storage named shelf.
func (s *testHost) count(shelf, id, incarnation string) int {
	s.Helper()
	page, err := s.storages.get(shelf).List(s.Context(), &storage.ListRequest{Call: sdk.Call{Tenant: id, Incarnation: incarnation}, Limit: storage.MaxPage})
	if err != nil {
		s.Fatal(err)
	}
	return len(page.Conversations)
}

func (s *testHost) export(id, user string) string {
	s.Helper()
	e, err := s.Export(s.Context(), id, ExportOptions{User: user})
	if err != nil {
		s.Fatal(err)
	}
	defer e.Close()
	var out bytes.Buffer
	if err := e.Write(s.Context(), &out); err != nil {
		s.Fatal(err)
	}
	return out.String()
}

func (s *testHost) imports(id, text string) (Imported, error) {
	return s.Import(s.Context(), id, ImportOptions{}, strings.NewReader(text))
}

// importsRegistering imports an export with ImportOptions.Register.
func (s *testHost) importsRegistering(id, text string) (Imported, error) {
	return s.Import(s.Context(), id, ImportOptions{Register: true}, strings.NewReader(text))
}

// content returns an export without its first line, which has the tenant's id and the time.
func content(export string) string {
	lines := strings.SplitAfter(export, "\n")
	return strings.Join(lines[1:], "")
}

func newTenantStore() *tenantstoretest.Memory { return &tenantstoretest.Memory{} }

var putFile = registry.PutOptions{Source: "f.hcl"}
