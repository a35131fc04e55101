package storagetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/storage"
)

var tenantWriterRules = []Rule{
	{
		Name:  "tenant-changes",
		Doc:   "Who follows the changes while many hosts write hears of every tenant's newest version, and no change appears behind the one heard last.",
		Check: checkTenantChanges,
	},
	{
		Name:  "tenant-head",
		Doc:   "Who takes the head, reads all tenants and follows the changes from there has every tenant's newest version.",
		Check: checkTenantHead,
	},
	{
		Name:  "tenant-list",
		Doc:   "Paging through the tenants, bytewise by id, skips and repeats nothing while others are added.",
		Check: checkTenantList,
	},
}

// churn calls PutTenant for many tenants from several goroutines. It calls look repeatedly during
// the calls, and once after them. It returns the newest version of each tenant.
func (e *Env) churn(ctx context.Context, look func() error) (map[string]int64, error) {
	const writers, puts, each = 8, 40, 4
	all := make([][]registered, writers)
	newest := make([]map[string]int64, writers)
	for w := range writers {
		newest[w] = map[string]int64{}
		for i := range each {
			all[w] = append(all[w], e.registered(fmt.Sprintf("%d-%d", w, i)))
		}
	}
	err := meanwhile(func() error {
		return together(writers, func(w int) error {
			for i := range puts {
				t := all[w][rand.N(each)]
				reg, err := t.via(w+i).put(ctx, newest[w][t.id])
				if err != nil {
					return err
				}
				newest[w][t.id] = reg.Version
			}
			return nil
		})
	}, look)
	if err == nil {
		err = look()
	}
	merged := map[string]int64{}
	for _, m := range newest {
		maps.Copy(merged, m)
	}
	return merged, err
}

// agrees checks that a host, whose name is who, has heard of the newest version of each tenant.
func agrees(who string, heard, newest map[string]int64) error {
	var wrong []error
	for id, version := range newest {
		if heard[id] != version {
			wrong = append(wrong, fmt.Errorf("%s has version %d of %q; the newest is %d", who, heard[id], id, version))
		}
	}
	return errors.Join(wrong...)
}

func checkTenantChanges(ctx context.Context, env *Env) error {
	start, err := env.head(ctx, 0)
	if err != nil {
		return err
	}
	heard := map[string]int64{}
	after, looks := start, 0
	newest, err := env.churn(ctx, func() error {
		looks++
		told, last, err := env.changes(ctx, looks, after, 1+looks%7)
		for id, version := range told {
			if version < heard[id] {
				return fmt.Errorf("version %d of %q was told after %d", version, id, heard[id])
			}
			heard[id] = version
		}
		after = last
		return err
	})
	if err != nil {
		return err
	}
	if err := agrees("who followed the changes", heard, newest); err != nil {
		return err
	}
	for at, limit := range []int{1, 3, 31, storage.MaxPage} {
		told, _, err := env.changes(ctx, at, start, limit)
		if err != nil {
			return err
		}
		if err := agrees(fmt.Sprintf("who asks for them later, %d at a time,", limit), told, newest); err != nil {
			return err
		}
	}
	told, _, err := env.changes(ctx, 0, after, 10)
	for id := range newest {
		if _, again := told[id]; again {
			return fmt.Errorf("the change of %q is told again", id)
		}
	}
	return err
}

func checkTenantHead(ctx context.Context, env *Env) error {
	type host struct {
		after int64
		has   map[string]int64
	}
	var hosts []*host // each host starts at another time
	var ids []string
	for w := range 8 {
		for i := range 4 {
			ids = append(ids, env.id(fmt.Sprintf("%d-%d", w, i)))
		}
	}
	newest, err := env.churn(ctx, func() error {
		at := len(hosts)
		r, err := env.tenantStore(at)
		if err != nil {
			return err
		}
		if at >= 1000 {
			time.Sleep(time.Millisecond) // with a fast storage there would be too many hosts
		}
		head, err := env.head(ctx, at)
		if err != nil {
			return err
		}
		if head > 0 { // the version at Head, or a newer version of the same tenant, must be readable
			told, _, err := env.changes(ctx, at, head-1, storage.MaxPage)
			if err != nil {
				return err
			}
			if len(told) == 0 {
				return fmt.Errorf("the head is %d, and nothing is there or behind", head)
			}
		}
		all, err := r.GetTenants(ctx, ids)
		if err != nil {
			return fmt.Errorf("get all tenants: %w", err)
		}
		h := &host{after: head, has: map[string]int64{}}
		for _, reg := range all {
			h.has[reg.Tenant] = reg.Version
		}
		hosts = append(hosts, h)
		return nil
	})
	if err != nil {
		return err
	}
	for i, h := range hosts {
		told, _, err := env.changes(ctx, i, h.after, storage.MaxPage)
		if err != nil {
			return err
		}
		for id, version := range told {
			h.has[id] = max(h.has[id], version)
		}
		if err := agrees(fmt.Sprintf("a host that started at head %d", h.after), h.has, newest); err != nil {
			return err
		}
	}
	return nil
}

// listed returns the tenants whose ids begin with the prefix. It reads ListTenants in pages of
// limit.
func (e *Env) listed(ctx context.Context, at int, prefix string, limit int) ([]string, error) {
	r, err := e.tenantStore(at)
	if err != nil {
		return nil, err
	}
	all := []string{}
	for after := prefix; ; {
		page, err := r.ListTenants(ctx, after, limit)
		if err != nil {
			return nil, fmt.Errorf("list after %q: %w", after, err)
		}
		if n := len(page.Registrations); n > limit || page.More && n == 0 {
			return nil, fmt.Errorf("list after %q: a page of %d, more: %t; want 1 to %d, or none and no more", after, n, page.More, limit)
		}
		for _, reg := range page.Registrations {
			if reg.Tenant <= after {
				return nil, fmt.Errorf("list in pages of %d: %q came after %q", limit, reg.Tenant, after)
			}
			if after = reg.Tenant; !strings.HasPrefix(after, prefix) {
				return all, nil
			}
			all = append(all, after)
		}
		if !page.More {
			return all, nil
		}
	}
}

func checkTenantList(ctx context.Context, env *Env) error {
	odd := []string{"10", "9", "A b", "Z", "_", "a", "a b", "a-c", "ab", "b", "z", "ä", "é", "日本", "\U0001F600"}
	var there []string
	for i := range odd {
		t := env.registered(odd[(i*7)%len(odd)])
		if _, err := t.put(ctx, 0, func(r *storage.PutTenantRequest) { r.State = storage.TenantState(1 + i%4) }); err != nil {
			return err
		}
		if i%2 == 0 { // the list must have one entry for a tenant with two versions
			if _, err := t.put(ctx, 1); err != nil {
				return err
			}
		}
		there = append(there, t.id)
	}
	there = sorted(there)
	for _, limit := range []int{1, 2, 5, len(odd), storage.MaxPage} {
		all, err := env.listed(ctx, 0, env.id(""), limit)
		if err != nil {
			return err
		}
		if err := same(fmt.Sprintf("the tenants in pages of %d", limit), all, there); err != nil {
			return err
		}
	}
	var more []registered
	for i := range 40 {
		more = append(more, env.registered(fmt.Sprintf("%c-%d", "!AMaz~"[i%6], i)))
	}
	look := func() error {
		all, err := env.listed(ctx, 0, env.id(""), 3)
		if err != nil {
			return err
		}
		for _, id := range there {
			if !slices.Contains(all, id) {
				return fmt.Errorf("%q was there before and is not in the list: %q", id, all)
			}
		}
		return nil
	}
	err := meanwhile(func() error {
		for _, t := range more {
			if _, err := t.via(1).put(ctx, 0); err != nil {
				return err
			}
		}
		return nil
	}, look)
	if err := errors.Join(err, look()); err != nil {
		return err
	}
	all, err := env.listed(ctx, 1, env.id(""), 7)
	if err != nil || len(all) != len(there)+len(more) {
		return fmt.Errorf("%d tenants are listed, error %v; want %d", len(all), err, len(there)+len(more))
	}
	return nil
}
