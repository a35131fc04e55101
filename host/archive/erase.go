package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/host/registry"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Erased is what an erasure deleted.
type Erased struct {
	Tenant        string `json:"tenant"`
	User          string `json:"user,omitempty"`
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
	// Emptied counts the user's turns in conversations that others wrote in, which stay.
	Emptied  int64  `json:"emptied"`
	Storages Counts `json:"storages"`
}

// Erase deletes all conversations of the tenant, or what one of its users wrote and owns,
// see [storage.Scope], in every storage that its present life was written to; the tenant
// stays registered. Where lives are tracked, the whole tenant begins a new one first, so that what hosts still
// write under the old one is refused. What an earlier erasure left over goes too.
//
// An error names the storages that something is left in; to repeat it goes on.
func (a *Archive) Erase(ctx context.Context, id, user string, o Deletion) (*Erased, error) {
	leave, err := a.alone(id)
	if err != nil {
		return nil, err
	}
	defer leave()
	s, err := a.o.Registry.Estate(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case s.State == storage.TenantPurged:
		return nil, fault.New(fault.NotFound, "tenant %q was purged: nothing is left of it", id)
	}
	if err := o.check(append(slices.Clone(s.Former), s.Life)); err != nil {
		return nil, err
	}
	out := &Erased{Tenant: id, User: user, Storages: Counts{}}
	w := &wiping{a: a, tenant: id, o: o, counts: &out.Storages}
	if user == "" {
		if len(s.Former) >= bounds.MaxFormer { // no more of them, but those first
			if err := a.erase(ctx, w, s, ""); err != nil {
				return nil, err
			}
		}
		if s, err = a.o.Registry.NewLife(ctx, id); err != nil {
			return nil, err
		}
	}
	if err := a.erase(ctx, w, s, user); err != nil {
		return nil, err
	}
	out.Conversations, out.Turns = out.Storages.Total()
	out.Emptied = out.Storages.Emptied()
	return out, nil
}

func (a *Archive) erase(ctx context.Context, w *wiping, s *registry.Estate, user string) error {
	err := w.lives(ctx, s.Former, allOf)
	var calls []sdk.Call
	for _, l := range s.Former {
		calls = append(calls, sdk.Call{Tenant: s.Tenant, Incarnation: l.Incarnation})
	}
	if user != "" {
		call := sdk.Call{Tenant: s.Tenant, Incarnation: s.Life.Incarnation, User: user}
		calls = append(calls, call)
		err = errors.Join(err, w.lives(ctx, []ledger.Life{s.Life}, func(sdk.Call) storage.Scope { return storage.Scope{Call: call} }))
	}
	if err != nil {
		return err
	}
	if a.o.Registry.Tracks() {
		if err := w.again(ctx, s.Former); err != nil {
			return err
		}
	}
	if err := a.forget(ctx, s.Effective, calls...); err != nil {
		return err
	}
	var buried []string
	for _, l := range s.Former {
		buried = append(buried, l.Incarnation)
	}
	conversations, turns := w.counts.Total()
	return a.o.Registry.Bury(ctx, s.Tenant, buried, fmt.Sprintf("erased %d conversations, %d turns", conversations, turns))
}
