package host

import (
	"context"
	"errors"

	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
)

// Archive is the host's. It lives as long as the host.
func (h *Host) Archive() *archive.Archive { return h.archive }

func (h *Host) newArchive() *archive.Archive {
	return archive.New(archive.Options{
		Registry: h.registry, OpenStorage: h.openStorage, OpenMemory: h.openMemory, Log: h.log.Named("archive"),
		MayRetain:   func(docs config.Documents) bool { return h.config.Load().MayRetain(docs) },
		RetainEvery: h.options.RetainEvery,
	})
}

// retain deletes what tenants do not keep any longer, until the host is closed.
func (h *Host) retain() {
	running, stop := context.WithCancel(context.Background())
	h.unretain = stop
	h.follow.Go(func() { h.archive.Run(running) })
}

// openStorage opens a storage that a tenant was written to, which need not be the one
// that it uses now.
func (h *Host) openStorage(ctx context.Context, tenant string, b config.SealedBlock) (*archive.OpenedStorage, error) {
	block, err := h.config.Load().OpenBlock(tenant, b)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w: give all hosts of this registry the same key, by host_key or as host.key in their data_dir", err).By(fault.PartyHost)
	}
	i, err := h.openBlock(ctx, &config.Effective{Tenant: tenant}, block)
	if err != nil {
		return nil, err
	}
	return &archive.OpenedStorage{Storage: i.Storage(), Importer: i.Importer(), KnowsOwners: i.KnowsOwners(), Close: i.Close}, nil
}

func (h *Host) openMemory(ctx context.Context, e *config.Effective) (memory.Memory, func(), error) {
	i, err := h.openBlock(ctx, e, e.Memory)
	if err != nil {
		return nil, nil, err
	}
	return i.Memory(), i.Close, nil
}

// openBlock opens the instance of a tenant's block.
func (h *Host) openBlock(ctx context.Context, e *config.Effective, b config.Block) (*plugins.Instance, error) {
	resolved, err := h.config.Load().ResolveBlock(e, b)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w", err).By(fault.PartyTenant)
	}
	i, err := h.manager.Open(ctx, plugins.Spec{
		Kind: b.Kind, Name: b.Plugin, Tenant: e.Tenant, Block: blockKeys[b.Kind], Config: resolved.Config, Secrets: resolved.Secrets, Egress: resolved.Egress,
	})
	if errors.Is(err, config.ErrUnknownPlugin) {
		gone := fault.New(fault.PluginUnavailable, "%w", err).By(fault.PartyHost)
		gone.Retryable = false
		return nil, gone
	}
	return i, err
}
