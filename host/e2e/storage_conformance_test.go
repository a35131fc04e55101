package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagetest"
)

// TestConformance_storages runs the conformance kit of storages against plugin processes, over the host's
// plugin manager. If several hosts may share a storage, the test runs three processes.
// BOTYARD_LONG_TESTS=1 runs the slow rules with all of their data.
func TestConformance_storages(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes minutes")
	}
	database := func(t *testing.T) (*pgtest.Cluster, string) {
		c := pgtest.For(t, pgtest.Options{NoSync: true})
		return c, newDatabase(t, c)
	}
	for _, s := range []struct {
		name   string
		config func(t *testing.T) string
		opts   []storagetest.Option
		alone  bool // the storage has a single process and no durable data
		long   bool // another test runs the kit on the storage in another way
	}{
		{name: "memory", alone: true, long: true, config: func(*testing.T) string { return `{}` }},
		{name: "sqlite", config: func(*testing.T) string { return `{}` }, opts: []storagetest.Option{storagetest.Durable()}},
		{name: "postgres", config: func(t *testing.T) string {
			c, db := database(t)
			return fmt.Sprintf(`{"dsn":%q}`, c.DSN(db))
		}, opts: []storagetest.Option{storagetest.Durable()}},
		{name: "postgres through a pooler", long: true, config: func(t *testing.T) string {
			c, db := database(t)
			b, err := pgtest.PgBouncer(t.Context(), c)
			pgtest.Check(t, err)
			return fmt.Sprintf(`{"dsn":%q,"listen_dsn":%q}`, b.DSN(db), c.DSN(db))
		}, opts: []storagetest.Option{storagetest.Durable(), storagetest.Short()}},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if s.long && os.Getenv("BOTYARD_LONG_TESTS") == "" {
				t.Skip("BOTYARD_LONG_TESTS=1 runs it; TestPluginTest_builtIn runs the kit on the plugin, and TestConformance_pooler of storage-postgres through a pooler")
			}
			var plugin string
			_, _ = fmt.Sscan(s.name, &plugin)
			data, config := shortDir(t), s.config(t)
			open := func(ctx context.Context) (storage.Storage, error) { return openProcess(ctx, t, plugin, config, data) }
			opts := append(s.opts, storagetest.Features(feature.Retract), storagetest.Lease(time.Second), storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
				if took > 2*time.Second {
					t.Logf("%s took %s", r.Name, took.Round(time.Millisecond))
				}
				passing := s.alone && (r.Name == "migrate" || strings.HasPrefix(r.Name, "restart"))
				if errors.Is(err, storagetest.ErrSkip) && !passing {
					t.Errorf("the rule %s did not apply", r.Name)
				}
			}))
			if os.Getenv("BOTYARD_LONG_TESTS") == "" {
				opts = append(opts, storagetest.Short())
			}
			if !s.alone {
				opts = append(opts, storagetest.Peers(open, open))
			}
			if err := storagetest.Test(t.Context(), open, opts...); err != nil {
				t.Error(err)
			}
		})
	}
}

// process is a storage in a plugin process of its own.
type process struct {
	storage.Storage
	storage.Renewer
	storage.TenantStore
	storage.TenantWatcher
	storage.Importer
	storage.Brancher
	storage.CursorStore
	m *plugins.Manager
	i *plugins.Instance
}

// Check implements sdk.Checker.
func (p *process) Check(ctx context.Context) error { return p.i.Check(ctx) }

// migrating is a process whose storage also implements storage.Migrator.
type migrating struct {
	*process
	storage.Migrator
}

// Close stops the plugin process.
func (p *process) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return p.m.Close(ctx)
}

// openProcess starts a plugin process and opens its storage. Processes with the same data folder share the
// data.
func openProcess(ctx context.Context, t *testing.T, plugin, config, data string) (storage.Storage, error) {
	m, err := plugins.New(plugins.Options{Dirs: []string{filepath.Join(binaries, "plugins")}, RuntimeDir: shortDir(t), DataDir: data})
	if err != nil {
		return nil, err
	}
	p := &process{m: m}
	i, err := m.Open(ctx, plugins.Spec{Kind: storage.Kind, Name: plugin, Tenant: "t", Config: []byte(config)})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.i = i
	p.Storage, p.Renewer, p.TenantStore, p.Importer = i.Storage(), i.Renewer(), i.TenantStore(), i.Importer()
	p.Brancher, p.CursorStore = i.Brancher(), i.Cursors()
	p.TenantWatcher, _ = p.TenantStore.(storage.TenantWatcher)
	if p.Renewer == nil || p.TenantWatcher == nil || p.Importer == nil || p.Brancher == nil || p.CursorStore == nil {
		return nil, errors.Join(fmt.Errorf("the storage plugin %s lost a feature", plugin), p.Close())
	}
	if g := i.Migrator(); g != nil {
		return migrating{p, g}, nil
	}
	return p, nil
}
