package registry

import (
	"context"
	"encoding/json"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// A purge has three steps. BeginPurge stops serving the tenant. KeepReceipt records which of
// the tenant's conversations are deleted. FinishPurge frees the tenant's id. Each step may be
// repeated.

// BeginPurge stops serving a tenant for good, on all hosts. The tenant is removed and cannot be
// restored. BeginPurge stores begun as the tenant's receipt, unless an earlier call has stored
// a receipt. If the tenant is already purged, BeginPurge changes nothing, and the State of the
// snapshot is storage.TenantPurged. The error is fault.NotFound for an unknown tenant. It is
// fault.Conflict for a tenant of a file of this host.
func (r *Registry) BeginPurge(ctx context.Context, id string, begun json.RawMessage) (*Snapshot, error) {
	if err := config.ValidTenantID(id); err != nil {
		return nil, unknown(id)
	}
	if file := r.fileSnapshot(id); file != nil {
		return nil, fault.New(fault.Conflict, "tenant %q comes from the file %s: remove that first", id, file.Source).At("tenant")
	}
	return r.catalog.beginPurge(ctx, id, begun)
}

// KeepReceipt stores the receipt of a purge that is not finished. The receipt says what is
// deleted so far.
func (r *Registry) KeepReceipt(ctx context.Context, id string, receipt json.RawMessage) error {
	return r.catalog.keepReceipt(ctx, id, receipt)
}

// FinishPurge erases all that the catalog stores of a tenant except the receipt, and frees the
// tenant's id. Call it after BeginPurge, when the tenant's conversations are deleted. It
// returns the stored receipt. If another host finished the purge first, that is the receipt of
// the other host.
func (r *Registry) FinishPurge(ctx context.Context, id string, receipt json.RawMessage, note string) (json.RawMessage, error) {
	return r.catalog.finishPurge(ctx, id, receipt, note)
}

// beginPurge implements purges.beginPurge.
func (c *persistedCatalog) beginPurge(ctx context.Context, id string, begun json.RawMessage) (*Snapshot, error) {
	put, err := c.change(ctx, id, changeOptions{}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		switch {
		case e == nil:
			return nil, unknown(id)
		case e.State == storage.TenantPurged, e.State == storage.TenantRemoved && e.Receipt != nil:
			return nil, nil
		}
		next := *e
		next.State, next.Note, next.Receipt = storage.TenantRemoved, "removed, to be purged", begun
		next.Author = tenantstore.Operator
		return &next, nil
	})
	if err != nil {
		return nil, err
	}
	c.takePut(id, put, nil)
	return c.join(ctx, id, nil, put)
}

// keepReceipt implements purges.keepReceipt.
func (c *persistedCatalog) keepReceipt(ctx context.Context, id string, receipt json.RawMessage) error {
	_, err := c.change(ctx, id, changeOptions{}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		if e == nil || e.State != storage.TenantRemoved {
			return nil, nil
		}
		next := *e
		next.Note, next.Receipt, next.Author = "a purge that is not done", receipt, ""
		return &next, nil
	})
	return err
}

// finishPurge implements purges.finishPurge.
func (c *persistedCatalog) finishPurge(ctx context.Context, id string, receipt json.RawMessage, note string) (json.RawMessage, error) {
	put, err := c.change(ctx, id, changeOptions{eraseHistory: true}, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		switch {
		case e == nil:
			return nil, unknown(id)
		case e.State == storage.TenantPurged:
			return nil, nil
		case e.State != storage.TenantRemoved:
			return nil, fault.New(fault.Conflict, "tenant %q was registered again while it was purged", id).At("tenant")
		}
		return &tenantstore.Entry{State: storage.TenantPurged, Incarnation: e.Incarnation, Receipt: receipt, Note: note, Author: tenantstore.Operator}, nil
	})
	if err != nil {
		return nil, err
	}
	c.takePut(id, put, nil)
	return put.Receipt, nil
}
