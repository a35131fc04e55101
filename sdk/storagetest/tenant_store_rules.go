package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

var tenantStoreRules = []Rule{
	{
		Name:  "tenant-versions",
		Doc:   "A tenant's versions are numbered from 1, their positions increase among all tenants, and what was put is answered by every call.",
		Check: checkTenantVersions,
	},
	{
		Name:  "tenant-if-version",
		Doc:   "Of several hosts that put the next version at once exactly one succeeds, and the others are in conflict.",
		Check: checkTenantIfVersion,
	},
	{
		Name:  "tenant-repeat",
		Doc:   "A put that is repeated with the attempt of the newest version answers that version and adds none.",
		Check: checkTenantRepeat,
	},
	{
		Name:  "tenant-get",
		Doc:   "Tenants that nothing is known of are left out, and their history is empty.",
		Check: checkTenantGet,
	},
	{
		Name:  "tenant-history",
		Doc:   "The history pages through the versions, newest first.",
		Check: checkTenantHistory,
	},
	{
		Name:  "tenant-kept",
		Doc:   "The newest 100 versions of a tenant are kept at least, unless they have more than 32 MiB.",
		Check: checkTenantKept,
	},
	{
		Name:  "tenant-kept-bytes",
		Doc:   "Of versions that have more than 32 MiB together the oldest are dropped; the newest 8 stay.",
		Check: checkTenantKeptBytes,
	},
	{
		Name:  "tenant-erase-history",
		Doc:   "A put that forgets erases the earlier versions, and goes on counting.",
		Check: checkTenantForget,
	},
	{
		Name:  "tenant-document",
		Doc:   "Documents come back byte by byte, up to 1 MiB, and notes and ids as they were.",
		Check: checkTenantDocument,
	},
	{
		Name:  "tenant-deleted",
		Doc:   "Deleting all that a tenant wrote leaves its registration.",
		Check: checkTenantDeleted,
	},
	{
		Name:  "tenant-bounds",
		Doc:   "Requests to the registry that are out of bounds are invalid and change nothing.",
		Check: checkTenantBounds,
	},
}

func checkTenantVersions(ctx context.Context, env *Env) error {
	a, b := env.registered("a"), env.registered("b")
	states := []storage.TenantState{storage.TenantActive, storage.TenantRemoved, storage.TenantFromFile, storage.TenantPurged, storage.TenantActive}
	var position int64
	for i, state := range states {
		for _, t := range []registered{a, b} {
			reg, err := t.via(i).put(ctx, int64(i), func(r *storage.PutTenantRequest) {
				r.State, r.Incarnation, r.Note = state, fmt.Sprintf("incarnation %d", i/2), fmt.Sprintf("note %d", i)
			})
			if err != nil {
				return err
			}
			want := storage.Registration{Tenant: t.id, Version: int64(i + 1), Position: reg.Position, State: state,
				Incarnation: fmt.Sprintf("incarnation %d", i/2), Document: fmt.Appendf(nil, "after %d", i), Note: fmt.Sprintf("note %d", i),
				Attempt: reg.Attempt, CreatedAt: reg.CreatedAt}
			if err := sameRegistration("what put answered", *reg, want); err != nil {
				return err
			}
			if reg.Position <= position || reg.CreatedAt.IsZero() {
				return fmt.Errorf("version %d of %q is at position %d after %d, created at %v; want a greater one, and a time",
					reg.Version, t.id, reg.Position, position, reg.CreatedAt)
			}
			position = reg.Position
			if err := t.via(i+1).answers(ctx, want); err != nil {
				return err
			}
		}
	}
	head, err := env.head(ctx, 1)
	if err == nil && head < position {
		err = fmt.Errorf("the head is %d; want %d at least, which was given out", head, position)
	}
	return err
}

// answers checks that GetTenants, TenantHistory and ListTenants return want as the newest version.
func (t registered) answers(ctx context.Context, want storage.Registration) error {
	newest, err := t.newest(ctx)
	if err != nil {
		return err
	}
	if newest == nil {
		return fmt.Errorf("get %q answered nothing after a put", t.id)
	}
	if err := sameRegistration("what get answered", *newest, want); err != nil {
		return err
	}
	r, err := t.tenantStore()
	if err != nil {
		return err
	}
	page, err := r.TenantHistory(ctx, t.id, 0, 1)
	if err != nil || len(page.Registrations) != 1 || page.More != (want.Version > 1) {
		return fmt.Errorf("history of %q, the newest of %d versions: %+v, error %v", t.id, want.Version, page, err)
	}
	if err := sameRegistration("what history answered", page.Registrations[0], want); err != nil {
		return err
	}
	page, err = r.ListTenants(ctx, t.id[:len(t.id)-1], 1)
	if err != nil || len(page.Registrations) != 1 {
		return fmt.Errorf("list after %q: %+v, error %v; want one", t.id[:len(t.id)-1], page, err)
	}
	if got := page.Registrations[0]; got.Tenant == t.id {
		return sameRegistration("what list answered", got, want)
	}
	return nil
}

func checkTenantIfVersion(ctx context.Context, env *Env) error {
	const hosts, rounds = 8, 5
	t := env.registered("t")
	for round := range int64(rounds) {
		won := make([]*storage.Registration, hosts)
		err := together(hosts, func(i int) error {
			reg, err := t.via(i).put(ctx, round)
			if err == nil {
				won[i] = reg
				return nil
			}
			if errors.Is(err, ErrSkip) {
				return err
			}
			return refused("put that another host came before", fault.Conflict, err)
		})
		if err != nil {
			return err
		}
		var winner *storage.Registration
		for _, reg := range won {
			switch {
			case reg == nil:
			case winner != nil:
				return fmt.Errorf("two puts at once if at version %d both succeeded", round)
			default:
				winner = reg
			}
		}
		if winner == nil || winner.Version != round+1 {
			return fmt.Errorf("of %d puts at once if at version %d the winner is %+v; want version %d", hosts, round, winner, round+1)
		}
		if err := t.via(1).answers(ctx, *winner); err != nil {
			return err
		}
	}
	for _, wrong := range []int64{0, 1, rounds - 1, rounds + 1} {
		_, err := t.put(ctx, wrong)
		if err := refused(fmt.Sprintf("put if at version %d, of %d", wrong, rounds), fault.Conflict, err); err != nil {
			return err
		}
	}
	_, err := env.registered("none").put(ctx, 1)
	return refused("put if at version 1 of a tenant without any", fault.Conflict, err)
}

func checkTenantRepeat(ctx context.Context, env *Env) error {
	t := env.registered("t")
	if _, err := t.put(ctx, 0, attempt(env.id("one"))); err != nil {
		return err
	}
	second := attempt(env.id("two"))
	answers := make([]*storage.Registration, 8)
	err := together(len(answers), func(i int) (err error) {
		answers[i], err = t.via(i).put(ctx, 1, second)
		return err
	})
	if err != nil {
		return fmt.Errorf("equal puts at once: %w", err)
	}
	want := *answers[0]
	for _, got := range answers {
		if err := sameRegistration("what equal puts at once answered", *got, want); err != nil {
			return err
		}
	}
	if want.Version != 2 {
		return fmt.Errorf("equal puts at once answered version %d; want 2", want.Version)
	}
	_, err = t.put(ctx, 1)
	if err := refused("another put if at version 1", fault.Conflict, err); err != nil {
		return err
	}
	for _, ifVersion := range []int64{1, 2, 0} {
		again, err := t.via(1).put(ctx, ifVersion, second)
		if err != nil {
			return fmt.Errorf("the repeat after another put failed: %w", err)
		}
		if err := sameRegistration("what the repeat answered", *again, want); err != nil {
			return err
		}
	}
	_, err = t.put(ctx, 0, attempt(env.id("one")))
	if err := refused("repeat of a version that is not the newest", fault.Conflict, err); err != nil {
		return err
	}
	other, err := env.registered("u").put(ctx, 0, second)
	if err != nil || other.Version != 1 {
		return fmt.Errorf("put of another tenant by the same attempt: %+v, error %v; want its version 1", other, err)
	}
	all, err := t.history(ctx, 10)
	if err != nil || len(all) != 2 {
		return fmt.Errorf("after all repeats: %d versions, error %v; want 2", len(all), err)
	}
	return t.answers(ctx, want)
}

func checkTenantGet(ctx context.Context, env *Env) error {
	a, b, unknown := env.registered("a"), env.registered("b"), env.registered("unknown")
	r, err := env.tenantStore(0)
	if err != nil {
		return err
	}
	for _, t := range []registered{a, b} {
		if _, err := t.put(ctx, 0); err != nil {
			return err
		}
	}
	for _, try := range []struct{ ids, want []string }{
		{nil, nil},
		{[]string{unknown.id}, nil},
		{[]string{unknown.id, b.id, a.id + "x", a.id}, []string{a.id, b.id}},
	} {
		got, err := r.GetTenants(ctx, try.ids)
		if err != nil {
			return fmt.Errorf("get %q: %w", try.ids, err)
		}
		if err := same(fmt.Sprintf("tenants got by %q", try.ids), sorted(tenants(got)), try.want); err != nil {
			return err
		}
	}
	many := []string{a.id}
	for i := range storage.MaxPage - 1 {
		many = append(many, env.id(fmt.Sprintf("unknown-%d", i)))
	}
	got, err := r.GetTenants(ctx, many)
	if err != nil || len(got) != 1 {
		return fmt.Errorf("get of %d ids of which one is known: %d, error %v", len(many), len(got), err)
	}
	page, err := r.TenantHistory(ctx, unknown.id, 0, 10)
	if err != nil || len(page.Registrations) != 0 || page.More {
		return fmt.Errorf("history of an unknown tenant: %+v, error %v; want an empty page", page, err)
	}
	return nil
}

func checkTenantDeleted(ctx context.Context, env *Env) error {
	if _, err := env.tenantStore(0); err != nil {
		return err
	}
	c := env.talk("c")
	t := registered{env: env, id: c.call.Tenant}
	env.tenants = append(env.tenants, t.id)
	reg, err := t.put(ctx, 0)
	if err != nil {
		return err
	}
	if _, err := c.turn(ctx, "one"); err != nil {
		return err
	}
	if err := env.delete(ctx, "all of a registered tenant", storage.Scope{Call: c.tenant(), Tenant: true}, 1); err != nil {
		return err
	}
	return t.answers(ctx, *reg)
}
