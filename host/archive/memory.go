package archive

import (
	"context"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// Memory is a tenant's memory that is open.
type Memory struct {
	memory.Memory
	// Drain lets the memory forget what was deleted from a storage, of the conversation of the call or
	// else of all. It is nil if the memory remembers nothing of past turns.
	Drain func(ctx context.Context, cursors storage.CursorStore, call sdk.Call) error
	Close func() // the archive calls Close once
}

// withMemory calls f with the tenant's memory. It does nothing if e is nil, which means that the
// tenant has no valid configuration.
func (a *Archive) withMemory(ctx context.Context, e *config.Effective, f func(*Memory) error) error {
	if e == nil || a.o.OpenMemory == nil {
		return nil
	}
	m, err := a.o.OpenMemory(ctx, e)
	if err != nil {
		return err
	}
	defer m.Close()
	return f(m)
}

// forget lets the memory forget what was deleted from the storages of the incarnations. It must
// succeed before a deletion counts as done.
func (d *deleter) forget(ctx context.Context, e *config.Effective, incarnations ...tenantstore.Incarnation) error {
	return d.a.withMemory(ctx, e, func(m *Memory) error {
		if m.Drain == nil {
			return nil
		}
		for _, l := range incarnations {
			for _, b := range l.Storages {
				if d.o.abandons(b) {
					continue
				}
				if err := d.drain(ctx, m, l.ID, b); err != nil {
					return labeled(b, err)
				}
			}
		}
		return nil
	})
}

// drain lets the memory forget what was deleted from one storage.
func (d *deleter) drain(ctx context.Context, m *Memory, incarnation string, b config.SealedBlock) error {
	store, err := d.a.openStorage(ctx, d.tenant, b)
	if err != nil {
		return err
	}
	defer store.Close()
	if store.Cursors == nil {
		return nil
	}
	return d.a.retry(ctx, func() error { return m.Drain(ctx, store.Cursors, sdk.Call{Tenant: d.tenant, Incarnation: incarnation}) })
}

// forgetIncarnations lets the memory forget all of the incarnations, whatever it has kept of them under
// earlier settings too.
func (d *deleter) forgetIncarnations(ctx context.Context, e *config.Effective, incarnations []tenantstore.Incarnation) error {
	if err := d.forget(ctx, e, incarnations...); err != nil {
		return err
	}
	return d.a.withMemory(ctx, e, func(m *Memory) error {
		f, ok := m.Memory.(memory.Forgetter)
		if !ok {
			return nil
		}
		for _, l := range incarnations {
			call := sdk.Call{Tenant: d.tenant, Incarnation: l.ID}
			if err := d.a.retry(ctx, func() error { return f.Forget(ctx, call) }); err != nil {
				return err
			}
		}
		return nil
	})
}
