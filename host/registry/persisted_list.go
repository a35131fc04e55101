package registry

import (
	"context"
	"slices"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/storage"
)

// list implements registrations.list. It merges the tenants of files and the tenants of the
// store.
func (c *persistedCatalog) list(ctx context.Context, after string, limit int) (page []Tenant, more bool, err error) {
	files := c.listed(after, c.keptInTable)
	stored, more, err := c.listStored(ctx, after, limit)
	if err != nil {
		return nil, false, err
	}
	if more { // tenants of files after the last stored tenant belong to the next page
		last := stored[len(stored)-1].ID
		files = files[:slices.IndexFunc(append(files, Tenant{ID: last + "\x00"}), func(t Tenant) bool { return t.ID > last })]
	}
	for _, t := range stored {
		if _, taken := slices.BinarySearchFunc(files, t, byID); !taken {
			page = append(page, t)
		}
	}
	page = append(page, files...)
	slices.SortFunc(page, byID)
	return page[:min(limit, len(page))], more || len(page) > limit, nil
}

// listStored returns a page of the store's tenants. It ends the page before limit if the
// settings that it had to check have bounds.PageValues values. The page is not empty if more is
// true.
func (c *persistedCatalog) listStored(ctx context.Context, after string, limit int) (out []Tenant, more bool, err error) {
	for {
		entries, more, err := c.store.List(ctx, after, min(limit, storage.MaxPage))
		if err != nil {
			return nil, false, unreachable(err)
		}
		judged := 0
		for i, e := range entries {
			after = e.Tenant
			switch e.State {
			case storage.TenantActive:
				if here, ok := c.loaded(e); ok {
					out = append(out, here)
					break
				}
				out = append(out, c.unavailable(c.standing(ctx, e).describe()))
				if judged += weight(e); judged >= bounds.PageValues {
					return out, more || i < len(entries)-1, nil
				}
			case storage.TenantRemoved:
				out = append(out, Tenant{ID: e.Tenant, Source: SourceAPI, Version: e.Version, Removed: true, UpdatedAt: e.CreatedAt})
			}
		}
		if !more || len(out) > 0 {
			return out, more, nil
		}
	}
}

// weight returns how many values the entry's documents have. The cost of a check grows with
// this number.
func weight(e *tenantstore.Entry) int { return e.Document.Count() + e.Own.Count() }

// loaded returns the tenant from the tenantTable, if the tenantTable has the entry's version
// and the tenant need not be checked again. Otherwise it returns false.
func (c *persistedCatalog) loaded(e *tenantstore.Entry) (Tenant, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	here := c.tenants[e.Tenant]
	if here == nil || c.keptInTable(here) || !here.known || here.version != e.Version || here.effective == nil && here.err == nil {
		return Tenant{}, false
	}
	return c.describeLocked(here), true
}

// unavailable sets t.Unavailable if this host failed to build the tenant's bot.
func (c *persistedCatalog) unavailable(t Tenant) Tenant {
	c.mu.Lock()
	defer c.mu.Unlock()
	if here := c.tenants[t.ID]; here != nil && here.version == t.Version {
		t.Unavailable = c.bots.FailureLocked(t.ID)
	}
	return t
}
