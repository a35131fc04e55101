package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Erased is the result of an erasure.
type Erased struct {
	Tenant        string `json:"tenant"`
	User          string `json:"user,omitempty"`
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
	// Emptied counts the user's turns that stay without their contents, because other users
	// wrote in their conversation.
	Emptied  int64  `json:"emptied"`
	Storages Counts `json:"storages"`
}

// Erase deletes all conversations of a tenant. If user is not empty, Erase deletes only the
// user's own conversations in which no other user wrote, and erases the contents of the user's
// turns in other conversations, as [storage.Scope] says. Erase works in every storage that the
// present incarnation was written to. It also deletes what an earlier, unfinished erasure left.
// The tenant stays registered.
//
// If the registry tracks incarnations, an erasure of the whole tenant starts a new incarnation
// before it deletes. Storages then refuse late writes of hosts under the old incarnation.
//
// An error names the storages in which the deletion failed. The caller calls Erase again to
// continue.
func (a *Archive) Erase(ctx context.Context, id, user string, o DeletionOptions) (*Erased, error) {
	unlock, err := a.lockTenant(id)
	if err != nil {
		return nil, err
	}
	defer unlock()
	s, err := a.o.Registry.Snapshot(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case s.State == storage.TenantPurged:
		return nil, fault.New(fault.NotFound, "tenant %q was purged: nothing is left of it", id)
	}
	if err := o.validate(append(slices.Clone(s.Former), s.Incarnation)); err != nil {
		return nil, err
	}
	out := &Erased{Tenant: id, User: user, Storages: Counts{}}
	d := &deleter{a: a, tenant: id, o: o, counts: &out.Storages}
	if user == "" {
		// The former incarnations are erased before one more is added, because their number is
		// bounded.
		if len(s.Former) >= bounds.MaxEarlierIncarnations {
			if err := a.erase(ctx, d, s, ""); err != nil {
				return nil, err
			}
		}
		if s, err = a.o.Registry.NewIncarnation(ctx, id); err != nil {
			return nil, err
		}
	}
	if err := a.erase(ctx, d, s, user); err != nil {
		return nil, err
	}
	out.Conversations, out.Turns = out.Storages.Total()
	out.Emptied = out.Storages.Emptied()
	return out, nil
}

// erase deletes all data of the former incarnations in s. If user is not empty, erase also
// deletes the user's data of the present incarnation. Then erase drops the former incarnations
// from the registration.
func (a *Archive) erase(ctx context.Context, d *deleter, s *registry.Snapshot, user string) error {
	err := d.deleteAll(ctx, s.Former, wholeIncarnation)
	if user != "" {
		call := sdk.Call{Tenant: s.Tenant, Incarnation: s.Incarnation.ID, User: user}
		err = errors.Join(err, d.deleteAll(ctx, []tenantstore.Incarnation{s.Incarnation}, func(sdk.Call) storage.Scope { return storage.Scope{Call: call} }))
	}
	if err != nil {
		return err
	}
	if a.o.Registry.TracksIncarnations() {
		if err := d.sweepUntracked(ctx, s.Former); err != nil {
			return err
		}
	}
	if err := d.forgetIncarnations(ctx, s.Effective, s.Former); err != nil {
		return err
	}
	if user != "" {
		if err := d.forget(ctx, s.Effective, s.Incarnation); err != nil {
			return err
		}
	}
	var erased []string
	for _, l := range s.Former {
		erased = append(erased, l.ID)
	}
	conversations, turns := d.counts.Total()
	return a.o.Registry.ForgetFormer(ctx, s.Tenant, erased, fmt.Sprintf("erased %d conversations, %d turns", conversations, turns))
}
