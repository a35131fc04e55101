package registry

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

type noMemory struct{}

func (noMemory) Needs() memory.Needs { return memory.Needs{} }
func (noMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return nil, nil
}

// builder opens a Registry, and counts the bots that the Registry builds and frees.
type builder struct {
	builds, frees atomic.Int32
	inUse         sync.Map // the freed bots
	build         func(ctx context.Context, e *config.Effective) error
	clock         atomic.Int64
}

func (y *builder) open(t testing.TB, ttl time.Duration, size int, change ...func(*Options)) *Registry {
	t.Helper()
	y.clock.Store(time.Now().UnixNano())
	o := Options{
		TTL: ttl, Size: size,
		Check: func(_ context.Context, id string, docs config.Documents, _ Trial) (*config.Effective, error) {
			for _, doc := range []*config.Document{docs.Operator, docs.Own} {
				if bad, ok := doc.Values()["bad"]; ok {
					return nil, config.Problems{{Path: config.Path{"bad"}, Message: fmt.Sprint(bad)}}
				}
			}
			revision := fmt.Sprint(docs.Operator.Values()["v"])
			if docs.Own != nil {
				if docs.Own.Values()["forbidden"] == docs.Operator.Values()["v"] {
					return nil, config.Problems{{Path: config.Path{"forbidden"}, Message: "is not allowed now"}}
				}
				revision += fmt.Sprint("+", docs.Own.Values()["v"])
			}
			return &config.Effective{Tenant: id, Revision: revision}, nil
		},
		Build: func(ctx context.Context, req BuildRequest) (Built, error) {
			e := req.Effective
			y.builds.Add(1)
			if y.build != nil {
				if err := y.build(ctx, e); err != nil {
					return Built{}, err
				}
			}
			b := bot.New(bot.Parts{Tenant: e.Tenant, Revision: e.Revision, Memory: noMemory{}, Admission: req.Admission})
			return Built{Bot: b, Release: func() {
				if _, twice := y.inUse.Swap(b, true); twice {
					panic("released twice")
				}
				y.frees.Add(1)
			}}, nil
		},
		now: func() time.Time { return time.Unix(0, y.clock.Load()) },
	}
	for _, f := range change {
		f(&o)
	}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		checkCounts(t, r)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
		if b, f := y.builds.Load(), y.frees.Load(); y.build == nil && b != f {
			t.Errorf("%d bots built, %d released", b, f)
		}
	})
	return r
}

func put(t testing.TB, r *Registry, id string, v any) {
	t.Helper()
	if _, err := r.Put(context.Background(), id, doc("v", v), PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func doc(key string, v any) *config.Document { return config.FromMap("test", map[string]any{key: v}) }

func acquire(t testing.TB, r *Registry, id string, o ...GetOption) *Lease {
	t.Helper()
	l, err := r.Acquire(context.Background(), id, o...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// testHost is one of several hosts that share a tenant store.
type testHost struct {
	*builder
	*Registry
	store        *tenantstore.Store
	mu           sync.Mutex
	incarnations map[string]string // incarnation of each tenant's last bot, by tenant id
	block        string            // digest of the storage that all tenants use
}

func openTestHost(t *testing.T, shared storage.TenantStore) *testHost {
	t.Helper()
	s := &testHost{builder: &builder{}, incarnations: map[string]string{}, block: "one"}
	s.store = tenantstore.New(tenantstore.Options{Storage: tenantstore.Fixed(shared), Key: secret.NewKey(), Changed: func(c []storage.TenantChange) { s.StoreChanged(c) }})
	s.Registry = s.open(t, time.Minute, 10, func(o *Options) {
		o.Store = s.store
		o.now = time.Now
		o.Storage = func(*config.Effective) config.SealedBlock {
			return config.SealedBlock{Digest: s.block, Kind: "storage", Plugin: "p", Config: []byte(`{}`)}
		}
		build := o.Build
		o.Build = func(ctx context.Context, req BuildRequest) (Built, error) {
			s.mu.Lock()
			s.incarnations[req.Effective.Tenant] = req.Incarnation
			s.mu.Unlock()
			return build(ctx, req)
		}
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.store.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return s
}

func (s *testHost) incarnation(tenant string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.incarnations[tenant]
}

// revision returns the revision at which the host serves the tenant now. It is empty if the
// host does not know the tenant.
func (s *testHost) revision(t *testing.T, id string) string {
	t.Helper()
	l, err := s.Acquire(t.Context(), id)
	if fault.Is(err, fault.NotFound) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	return l.Revision
}

// within waits until the host serves the tenant at the revision want.
func (s *testHost) within(t *testing.T, id, want string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		got := s.revision(t, id)
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("tenant %s is served at revision %q; want %q", id, got, want)
		}
	}
}

// persisted returns the host's persistedCatalog.
func (s *testHost) persisted() *persistedCatalog { return s.catalog.(*persistedCatalog) }
