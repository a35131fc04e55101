package host

import (
	"context"

	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/follow"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Archive returns the archive, which exports, imports and erases conversations, and deletes
// conversations that are older than the retention period of their tenant. It works until the host
// is closed.
func (h *Host) Archive() *archive.Archive { return h.archive }

func (h *Host) newArchive() *archive.Archive {
	return archive.New(archive.Options{
		Registry: h.registry, OpenStorage: h.openStorage, OpenMemory: h.openMemory, Log: h.log.Named("archive"),
		MayRetain:   func(docs config.Documents) bool { return h.config.Load().MayRetain(docs) },
		RetainEvery: h.options.RetainEvery,
	})
}

// openStorage opens a storage that has data of the tenant. The tenant's current configuration may
// select another storage.
func (h *Host) openStorage(ctx context.Context, tenant string, b config.SealedBlock) (*archive.OpenedStorage, error) {
	block, err := h.config.Load().OpenBlock(tenant, b)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%w: give all hosts of this registry the same key, by host_key or as host.key in their data_dir", err).By(fault.PartyHost)
	}
	i, err := h.openBlock(ctx, &config.Effective{Tenant: tenant}, block)
	if err != nil {
		return nil, err
	}
	return &archive.OpenedStorage{Storage: i.Storage(), Importer: i.Importer(), Cursors: i.Cursors(), KnowsOwners: i.KnowsOwners(), Retracts: i.Retracts(), Close: i.Close}, nil
}

// openMemory opens the memory plugin of the tenant's current configuration.
func (h *Host) openMemory(ctx context.Context, e *config.Effective) (*archive.Memory, error) {
	i, err := h.openBlock(ctx, e, e.Memory)
	if err != nil {
		return nil, err
	}
	m := &archive.Memory{Memory: i.Memory(), Close: i.Close}
	if needs := m.Needs(); needs.Remember {
		m.Drain = func(ctx context.Context, cursors storage.CursorStore, call sdk.Call) error {
			conversation := call.Conversation
			call.Conversation = ""
			source := follow.Source{Call: call, Cursors: cursors, Memory: m.Memory, StoreKey: needs.StoreKey}
			return source.Drain(ctx, h.holder, conversation)
		}
	}
	return m, nil
}
