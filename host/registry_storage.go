package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/poll"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// StorageScope is the tenant id in calls that the host makes to a storage for itself. Every call
// needs an id, because a plugin may have a process for each tenant. No tenant can have this id.
const StorageScope = "@host"

const (
	// firstPoll is how long the start of the host waits for a database that is down.
	firstPoll = 3 * time.Second
	// secretsEvery is the time between two checks whether a secret of registry.storage has
	// changed.
	secretsEvery = 2 * time.Second
)

// registryStorage is the storage that the host file names for the tenant store. The host resolves
// its configuration again at regular intervals, so that an operator can replace a secret while
// the host runs.
type registryStorage struct {
	host  *Host
	block config.Block
	store *tenantstore.Store

	mu       sync.Mutex
	instance *plugins.Instance
	opened   [sha256.Size]byte // checksum of the configuration of the open instance
}

// openTenantStore opens the tenant store on the storage that the host file names, or returns nil
// if the file names none. It succeeds even if the storage's database is down. For a wrong
// configuration the error is config.Problems.
func (h *Host) openTenantStore(ctx context.Context, cfg *config.Host, key *secret.Key, judging *fairshare.Slots) (*tenantstore.Store, error) {
	block, err := RegistryStorage(ctx, cfg, h.manager)
	if err != nil || block == nil {
		return nil, err
	}
	if key == nil {
		return nil, fault.New(fault.Invalid, "a registry with a storage needs a folder for the host's key: give data_dir").At("data_dir")
	}
	s := &registryStorage{host: h, block: *block}
	s.store = tenantstore.New(tenantstore.Options{
		Storage: s.current, Key: key, Log: h.log.Named("registry"), Slots: judging,
		Changed: func(changes []storage.TenantChange) { h.registry.StoreChanged(changes) },
	})
	if err := s.open(ctx, cfg); err != nil {
		return nil, err
	}
	h.registryStorage = s
	return s.store, nil
}

// open opens an instance with the current secrets. If an instance is already open, open replaces
// it only if the resolved configuration has changed.
func (s *registryStorage) open(ctx context.Context, cfg *config.Host) error {
	resolved, err := resolveRegistryStorage(cfg, s.block)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(resolved.Config)
	s.mu.Lock()
	same := s.instance != nil && s.opened == sum
	s.mu.Unlock()
	if same {
		return nil
	}
	instance, err := s.host.manager.Open(ctx, plugins.Spec{Kind: s.block.Kind, Name: s.block.Plugin, Tenant: StorageScope, Block: fault.Path{"registry", "storage"}, Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress})
	if f := fault.Of(err); err != nil && f.Class == fault.Invalid {
		return cfg.WithPositions(config.Problems{{Path: config.Path(f.Path), Message: f.Message}})
	}
	if err != nil {
		return fmt.Errorf("registry.storage: %w", err)
	}
	s.mu.Lock()
	old := s.instance
	s.instance, s.opened = instance, sum
	s.mu.Unlock()
	if old != nil {
		s.store.Rewatch()
		s.host.log.Info("the registry's storage was opened anew: a secret of its configuration changed")
		old.Close()
	}
	return nil
}

// current returns the storage of the instance that is open now. Calls of an instance that was
// replaced may fail; the caller then calls current again and repeats the call.
func (s *registryStorage) current() storage.TenantStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instance.TenantStore()
}

// close closes the open instance.
func (s *registryStorage) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance.Close()
}

// followTenantStore starts to poll the tenant store until the host is closed. It waits at most
// firstPoll for the first poll, so that a host that is ready knows the registered tenants.
func (h *Host) followTenantStore(ctx context.Context, store *tenantstore.Store) {
	if store == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstPoll)
	defer cancel()
	if err := store.EnsureFresh(ctx); err != nil && !errors.Is(err, context.Canceled) {
		h.log.Warn("the registry of tenants does not answer yet", "error", err)
	}
	h.startBackground(store.Run)
	if h.registryStorage.block.HasReferences() {
		h.startBackground(h.registryStorage.followSecrets)
	}
}

// followSecrets checks the secrets of the storage until ctx ends, and opens the storage again
// after a secret has changed. If a secret cannot be read, the open instance stays in use.
func (s *registryStorage) followSecrets(ctx context.Context) {
	last := ""
	poll.Every(ctx, secretsEvery, nil, func() {
		failed := ""
		if err := s.open(ctx, s.host.config.Load()); err != nil && ctx.Err() == nil {
			failed = err.Error()
		}
		if failed != last && failed != "" {
			s.host.log.Error("the registry goes on with the secrets that it had", "error", failed)
		}
		last = failed
	})
}

// RegistryStorage returns the block registry.storage of the host's files, or nil if the files
// have none. It returns an error if the plugin cannot store tenants, if a secret cannot be read, or
// if the plugin says that the configuration is wrong. It opens no instance.
func RegistryStorage(ctx context.Context, cfg *config.Host, m *plugins.Manager) (*config.Block, error) {
	block, err := cfg.RegistryStorage(ctx, m)
	if err != nil || block == nil {
		return nil, err
	}
	keeps, err := m.HasService(ctx, block.Kind, block.Plugin, plugins.TenantStoreService)
	if err != nil {
		return nil, fmt.Errorf("registry.storage: %w", err)
	}
	if !keeps {
		return nil, cfg.WithPositions(config.Problems{{Path: config.Path{"registry", "storage", "backend"},
			Message: fmt.Sprintf("the storage plugin %q keeps no tenants", block.Plugin), Expected: "one with the service " + plugins.TenantStoreService}})
	}
	resolved, err := resolveRegistryStorage(cfg, *block)
	if err != nil {
		return nil, err
	}
	problems := AskPlugins(m)(ctx, *block, resolved)
	for i, p := range problems {
		problems[i].Path = append(config.Path{"registry", "storage"}, p.Path...)
	}
	if len(problems) > 0 {
		return nil, cfg.WithPositions(problems)
	}
	return block, nil
}

// resolveRegistryStorage returns the block registry.storage with all references resolved.
func resolveRegistryStorage(cfg *config.Host, block config.Block) (config.Resolved, error) {
	resolved, err := cfg.ResolveBlock(&config.Effective{}, block)
	var problems config.Problems
	if !errors.As(err, &problems) {
		return resolved, err
	}
	for i, p := range problems {
		problems[i].Path = append(config.Path{"registry", "storage"}, p.Path[1:]...)
	}
	return resolved, cfg.WithPositions(problems)
}
