package storagetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func checkTenantHistory(ctx context.Context, env *Env) error {
	const versions = 12
	t, other := env.registered("t"), env.registered("t2")
	for i := range int64(versions) {
		if _, err := t.put(ctx, i); err != nil {
			return err
		}
		if _, err := other.put(ctx, i); err != nil {
			return err
		}
	}
	r, err := t.tenantStore()
	if err != nil {
		return err
	}
	for _, limit := range []int{1, 2, 5, versions - 1, versions, versions + 1, storage.MaxPage} {
		all, err := t.history(ctx, limit)
		if err != nil {
			return err
		}
		if len(all) != versions || all[0].Version != versions {
			return fmt.Errorf("the history in pages of %d has %d versions; want %d, newest first", limit, len(all), versions)
		}
		for _, reg := range all {
			if want := fmt.Sprintf("after %d", reg.Version-1); string(reg.Document) != want {
				return fmt.Errorf("version %d has the document %q; want %q", reg.Version, reg.Document, want)
			}
		}
	}
	page, err := r.TenantHistory(ctx, t.id, 1, 5)
	if err != nil || len(page.Registrations) != 0 || page.More {
		return fmt.Errorf("history before version 1: %+v, error %v; want an empty page", page, err)
	}
	page, err = r.TenantHistory(ctx, t.id, 1000, versions)
	if err != nil || len(page.Registrations) != versions || page.More {
		return fmt.Errorf("history before a version that is not there yet: %d, error %v; want all %d", len(page.Registrations), err, versions)
	}
	return nil
}

func checkTenantKept(ctx context.Context, env *Env) error {
	const versions = storage.MaxHistoryVersions + 30
	t := env.registered("t")
	for i := range int64(versions) {
		if _, err := t.put(ctx, i); err != nil {
			return err
		}
	}
	all, err := t.history(ctx, 40)
	if err != nil {
		return err
	}
	if len(all) < storage.MaxHistoryVersions || all[0].Version != versions {
		return fmt.Errorf("after %d versions, %d are kept; want the newest %d at least", versions, len(all), storage.MaxHistoryVersions)
	}
	return nil
}

func checkTenantKeptBytes(ctx context.Context, env *Env) error {
	const small, large = 3 << 20, storage.MaxHistoryBytes/storage.MinHistoryVersions + 1
	t := env.registered("t")
	for i, size := range append(slices.Repeat([]int{small}, 12), slices.Repeat([]int{large}, storage.MinHistoryVersions)...) {
		if _, err := t.put(ctx, int64(i), func(r *storage.PutTenantRequest) { r.Document = make([]byte, size) }); err != nil {
			return err
		}
		want := min(i+1, storage.MaxHistoryBytes/small)
		if i >= 12 {
			// PutTenant keeps all n large versions, and as many small versions as fit, but at least
			// MinHistoryVersions versions.
			n := i - 11
			want = max(storage.MinHistoryVersions, n+(storage.MaxHistoryBytes-n*large)/small)
		}
		if i != 8 && i != 11 && i != 15 && i != 19 { // each history is up to 32 MiB
			continue
		}
		all, err := t.history(ctx, 40)
		if err != nil {
			return err
		}
		if len(all) != want || all[0].Version != int64(i+1) {
			return fmt.Errorf("of %d versions of %d and %d bytes, %d are kept; want the newest %d", i+1, small, large, len(all), want)
		}
	}
	return nil
}

func checkTenantForget(ctx context.Context, env *Env) error {
	t, other := env.registered("t"), env.registered("u")
	for i := range int64(3) {
		for _, t := range []registered{t, other} {
			if _, err := t.put(ctx, i); err != nil {
				return err
			}
		}
	}
	before, err := env.head(ctx, 0)
	if err != nil {
		return err
	}
	forget := func(r *storage.PutTenantRequest) {
		r.EraseHistory, r.Attempt, r.State = true, env.id("forget"), storage.TenantPurged
	}
	_, err = t.put(ctx, 1, forget)
	if err := refused("put that forgets, if at an old version", fault.Conflict, err); err != nil {
		return err
	}
	if all, err := t.history(ctx, 10); err != nil || len(all) != 3 {
		return fmt.Errorf("after a refused put that forgets: %d versions, error %v; want 3", len(all), err)
	}
	for range 2 {
		reg, err := t.put(ctx, 3, forget)
		if err != nil {
			return err
		}
		if reg.Version != 4 {
			return fmt.Errorf("the put that forgets answered version %d; want 4", reg.Version)
		}
		all, err := t.via(1).history(ctx, 10)
		if err != nil {
			return err
		}
		if len(all) != 1 {
			return fmt.Errorf("after a put that forgets %d versions are there; want one", len(all))
		}
		if err := sameRegistration("what is left", all[0], *reg); err != nil {
			return err
		}
	}
	told, _, err := env.changes(ctx, 1, before, 10)
	if err != nil || told[t.id] != 4 {
		return fmt.Errorf("changes tell of version %d, error %v; want 4", told[t.id], err)
	}
	if reg, err := t.put(ctx, 4); err != nil || reg.Version != 5 {
		return fmt.Errorf("the next put: %+v, error %v; want version 5", reg, err)
	}
	if all, err := other.history(ctx, 10); err != nil || len(all) != 3 {
		return fmt.Errorf("another tenant has %d versions, error %v; want 3", len(all), err)
	}
	return nil
}
