package host

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/slots"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// StorageScope stands for a tenant where the host's own use of a storage needs one:
// the plugin may have a process for each. No tenant can have this id.
const StorageScope = "@host"

const (
	// firstHearing bounds the wait for a database that is down at the start.
	firstHearing = 3 * time.Second
	// secretsEvery is the time between two looks at the secrets of registry.storage.
	secretsEvery = 2 * time.Second
)

// books is the storage that the host file names for the registry. What it is opened
// with is looked up again, so that a secret can be replaced while the host runs.
type books struct {
	host  *Host
	block config.Block

	mu       sync.Mutex
	instance *plugins.Instance
	opened   [sha256.Size]byte // of the resolved configuration
	watchers map[*context.CancelFunc]struct{}
}

var (
	_ storage.TenantStore   = (*books)(nil)
	_ storage.TenantWatcher = (*books)(nil)
)

// openLedger opens what the host file names as the registry's storage; nil if it
// names none. The storage's database may be down; that its configuration is wrong is
// config.Problems.
func (h *Host) openLedger(ctx context.Context, cfg *config.Host, key *secret.Key, judging *slots.Slots) (*ledger.Ledger, error) {
	block, named, err := RegistryStorage(ctx, cfg, h.manager)
	if err != nil || !named {
		return nil, err
	}
	if key == nil {
		return nil, fault.New(fault.Invalid, "a registry with a storage needs a folder for the host's key: give data_dir").At("data_dir")
	}
	b := &books{host: h, block: block, watchers: map[*context.CancelFunc]struct{}{}}
	if err := b.open(ctx, cfg); err != nil {
		return nil, err
	}
	h.books = b
	return ledger.New(ledger.Options{
		Storage: b, Key: key, Log: h.log.Named("registry"), Slots: judging,
		Changed: func(changes []storage.TenantChange) { h.registry.Changed(changes) },
	}), nil
}

// open opens the instance, or another one if what the block resolves to has changed.
func (b *books) open(ctx context.Context, cfg *config.Host) error {
	resolved, err := resolveRegistry(cfg, b.block)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(resolved.Config)
	b.mu.Lock()
	same := b.instance != nil && b.opened == sum
	b.mu.Unlock()
	if same {
		return nil
	}
	instance, err := b.host.manager.Open(ctx, plugins.Spec{Kind: b.block.Kind, Name: b.block.Plugin, Tenant: StorageScope, Block: "registry.storage", Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress})
	if f := fault.Of(err); err != nil && f.Class == fault.Invalid {
		return cfg.Place(config.Problems{{Path: strings.Split(cmp.Or(f.Path, "registry.storage"), "."), Message: f.Message}})
	}
	if err != nil {
		return fmt.Errorf("registry.storage: %w", err)
	}
	b.mu.Lock()
	old := b.instance
	b.instance, b.opened = instance, sum
	for stop := range b.watchers {
		(*stop)()
	}
	b.mu.Unlock()
	if old != nil {
		b.host.log.Info("the registry's storage was opened anew: a secret of its configuration changed")
		old.Close()
	}
	return nil
}

// followLedger hears of changes until the host is closed. It waits a moment for the
// first hearing, so that a host that is ready knows its tenants.
func (h *Host) followLedger(ctx context.Context, l *ledger.Ledger) {
	if l == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstHearing)
	defer cancel()
	if err := l.Confirm(ctx); err != nil && !errors.Is(err, context.Canceled) {
		h.log.Warn("the registry of tenants does not answer yet", "error", err)
	}
	running, stop := context.WithCancel(context.Background())
	h.unfollow = stop
	h.follow.Go(func() { l.Run(running) })
	if h.books.block.HasReferences() {
		h.follow.Go(func() { h.books.followSecrets(running) })
	}
}

// followSecrets opens the storage anew when a secret of it changed. One that cannot be
// read now is no reason to leave what works.
func (b *books) followSecrets(ctx context.Context) {
	tick := time.NewTicker(secretsEvery)
	defer tick.Stop()
	var last string
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		failed := ""
		if err := b.open(ctx, b.host.config.Load()); err != nil && ctx.Err() == nil {
			failed = err.Error()
		}
		if failed != last && failed != "" {
			b.host.log.Error("the registry goes on with the secrets that it had", "error", failed)
		}
		last = failed
	}
}

func (b *books) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.instance.Close()
}

// keeper is what keeps the tenants now. An instance that was opened anew meanwhile
// takes the calls that the old one refuses.
func (b *books) keeper() storage.TenantStore {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.instance.Registry()
}

// PutTenant implements storage.TenantStore.
func (b *books) PutTenant(ctx context.Context, req *storage.PutTenantRequest) (*storage.Registration, error) {
	return b.keeper().PutTenant(ctx, req)
}

// GetTenants implements storage.TenantStore.
func (b *books) GetTenants(ctx context.Context, ids []string) ([]storage.Registration, error) {
	return b.keeper().GetTenants(ctx, ids)
}

// ListTenants implements storage.TenantStore.
func (b *books) ListTenants(ctx context.Context, after string, limit int) (*storage.RegistrationPage, error) {
	return b.keeper().ListTenants(ctx, after, limit)
}

// TenantHistory implements storage.TenantStore.
func (b *books) TenantHistory(ctx context.Context, tenant string, before int64, limit int) (*storage.RegistrationPage, error) {
	return b.keeper().TenantHistory(ctx, tenant, before, limit)
}

// TenantChanges implements storage.TenantStore.
func (b *books) TenantChanges(ctx context.Context, after int64, limit int) (*storage.TenantChangePage, error) {
	return b.keeper().TenantChanges(ctx, after, limit)
}

// WatchTenants implements storage.TenantWatcher. It ends when the storage is opened anew.
func (b *books) WatchTenants(ctx context.Context, changed func() error) error {
	w, ok := b.keeper().(storage.TenantWatcher)
	if !ok {
		return fault.New(fault.Invalid, "the storage plugin %q gives none", b.block.Plugin)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	b.mu.Lock()
	b.watchers[&stop] = struct{}{}
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, &stop)
	}()
	return w.WatchTenants(ctx, changed)
}
