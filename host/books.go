package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// StorageScope stands for a tenant where the host's own use of a storage needs one:
// the plugin may have a process for each. No tenant can have this id.
const StorageScope = "@host"

// firstHearing bounds the wait for a database that is down at the start.
const firstHearing = 3 * time.Second

// registryPath is a path of the plugin's as one of the host file.
func registryPath(path string) config.Path {
	out := config.Path{"registry", "storage"}
	if path != "" {
		out = append(out, strings.Split(path, ".")...)
	}
	return out
}

// openLedger opens what the host file names as the registry's storage; nil if it
// names none. The storage's database may be down; that its configuration is wrong is
// config.Problems.
func (h *Host) openLedger(ctx context.Context, cfg *config.Host, key *secret.Key) (*ledger.Ledger, error) {
	block, named, err := cfg.RegistryStorage(ctx, h.manager)
	if err != nil || !named {
		return nil, err
	}
	if key == nil {
		return nil, fault.New(fault.Invalid, "a registry with a storage needs a folder for the host's key: give data_dir").At("data_dir")
	}
	resolved, err := cfg.Resolve(&config.Effective{}, block)
	if err != nil {
		return nil, err
	}
	instance, err := h.manager.Open(ctx, plugins.Spec{Kind: block.Kind, Name: block.Plugin, Tenant: StorageScope, Config: resolved})
	if f := fault.Of(err); err != nil && f.Class == fault.Invalid {
		return nil, config.Problems{{Path: registryPath(f.Path), Message: f.Message}}
	}
	if err != nil {
		return nil, fmt.Errorf("registry.storage: %w", err)
	}
	keeper := instance.Registry()
	if keeper == nil {
		instance.Close()
		return nil, config.Problems{{Path: config.Path{"registry", "storage", "backend"},
			Message: fmt.Sprintf("the storage plugin %q keeps no tenants", block.Plugin), Expected: "one with the capability " + storage.CapRegistry}}
	}
	h.books = instance
	return ledger.New(ledger.Options{
		Storage: keeper, Key: key, Log: h.log.Named("registry"),
		Changed: func(changes []storage.TenantChange) { h.registry.Changed(changes) },
	}), nil
}

// followLedger hears of changes until the host is closed. It waits a moment for the
// first hearing, so that a host that is ready knows its tenants.
func (h *Host) followLedger(ctx context.Context, books *ledger.Ledger) {
	if books == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, firstHearing)
	defer cancel()
	if err := books.Confirm(ctx); err != nil && !errors.Is(err, context.Canceled) {
		h.log.Warn("the registry of tenants does not answer yet", "error", err)
	}
	running, stop := context.WithCancel(context.Background())
	h.unfollow = stop
	h.follow.Go(func() { books.Run(running) })
}
