package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Receipt says what a purge deleted. It is kept in place of the registration.
type Receipt struct {
	Tenant        string     `json:"tenant"`
	Life          string     `json:"life"` // the last one; empty for one that is not tracked
	BegunAt       time.Time  `json:"begun_at"`
	DoneAt        *time.Time `json:"done_at"` // null: something may be left
	Conversations int64      `json:"conversations"`
	Turns         int64      `json:"turns"`
	Storages      Counts     `json:"storages"`
	// Versions are those of the registration that were erased.
	Versions int64 `json:"versions"`
}

// Purge deletes all that there is of a tenant: first it is served no longer, on no
// host; then what each of its lives wrote is deleted in every storage; then all
// versions of its registration but the receipt, and its id is free. A tenant that was
// purged has its receipt answered again.
//
// fault.NotFound; fault.Conflict for a tenant of a file that this host has. Any error
// but these two leaves the tenant removed, and names the storages that something is
// left in; to repeat the purge goes on, and so does its receipt.
func (a *Archive) Purge(ctx context.Context, id string, o Deletion) (*Receipt, error) {
	leave, err := a.alone(id)
	if err != nil {
		return nil, err
	}
	defer leave()
	s, err := a.o.Registry.Estate(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := o.check(append(slices.Clone(s.Former), s.Life)); err != nil {
		return nil, err
	}
	begun := (&Receipt{Tenant: id, BegunAt: a.o.timing.now().UTC(), Storages: Counts{}}).json()
	if s, err = a.o.Registry.Retire(ctx, id, begun); err != nil {
		return nil, err
	}
	r, err := readReceipt(s.Receipt)
	if err != nil || s.State == storage.TenantPurged {
		return r, err
	}
	r.Tenant, r.Life = id, s.Life.Incarnation
	w := &wiping{a: a, tenant: id, o: o, counts: &r.Storages}
	w.saved = func() { a.keep(ctx, r) }
	if err := a.purge(ctx, w, s); err != nil {
		a.keep(ctx, r)
		f := *fault.Of(err)
		f.Message += "; the tenant stays removed until the purge is repeated"
		f.Err = err
		return nil, &f
	}
	return a.close(ctx, r)
}

func (a *Archive) purge(ctx context.Context, w *wiping, s *registry.Estate) error {
	lives := append(slices.Clone(s.Former), s.Life)
	if err := w.lives(ctx, lives, allOf); err != nil {
		return err
	}
	if err := w.again(ctx, lives); err != nil {
		return err
	}
	var calls []sdk.Call
	for _, l := range lives {
		calls = append(calls, sdk.Call{Tenant: s.Tenant, Incarnation: l.Incarnation})
	}
	return a.forget(ctx, s.Effective, calls...)
}

// keep keeps the receipt of a purge that is not done, so that it counts on when it is
// repeated.
func (a *Archive) keep(ctx context.Context, r *Receipt) {
	r.Conversations, r.Turns = r.Storages.Total()
	ctx, cancel := late(ctx)
	defer cancel()
	if err := a.o.Registry.KeepReceipt(ctx, r.Tenant, r.json()); err != nil {
		a.o.Log.Warn("what a purge deleted so far could not be kept", "tenant", r.Tenant, "error", err)
	}
}

// close keeps the receipt in place of all that the registry has of the tenant.
func (a *Archive) close(ctx context.Context, r *Receipt) (*Receipt, error) {
	var err error
	if r.Versions, err = a.o.Registry.Versions(ctx, r.Tenant); err != nil {
		return nil, err
	}
	now := a.o.timing.now().UTC()
	r.DoneAt = &now
	r.Conversations, r.Turns = r.Storages.Total()
	note := fmt.Sprintf("purged: %d conversations, %d turns, %d versions", r.Conversations, r.Turns, r.Versions)
	kept, err := a.o.Registry.Purge(ctx, r.Tenant, r.json(), note)
	if err != nil {
		return nil, err
	}
	a.o.Log.Info("a tenant was purged", "tenant", r.Tenant, "conversations", r.Conversations, "turns", r.Turns, "versions", r.Versions)
	return readReceipt(kept)
}

func (r *Receipt) json() json.RawMessage {
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // unreachable: texts, numbers and times
	}
	return out
}

func readReceipt(raw json.RawMessage) (*Receipt, error) {
	r := &Receipt{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("the receipt of a purge cannot be read: %w", err)
	}
	return r, nil
}
