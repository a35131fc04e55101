package registry

import (
	"context"
	"slices"
	"strings"
	"time"
)

// missingTimeout is how long withMissing looks for missing secrets of a page of tenants.
// Tenants that withMissing does not reach in this time have no Missing.
const missingTimeout = 2 * time.Second

// Get returns a tenant and its settings, including secrets. The error is fault.NotFound for an
// unknown tenant.
func (r *Registry) Get(ctx context.Context, id string) (Tenant, error) {
	if err := r.catalog.ensureFresh(ctx, id); err != nil && r.fileDocument(id) == nil {
		return Tenant{}, err
	}
	r.mu.Lock()
	t, ok := r.tenants[id]
	if !ok {
		defer r.mu.Unlock()
		return Tenant{}, r.catalog.absenceLocked(id)
	}
	out := r.describeLocked(t)
	r.mu.Unlock()
	return r.withMissing([]Tenant{r.tagged(out, out.Documents)})[0], nil
}

// List returns a page of all tenants, ordered by id. The page begins after the id in after and
// has at most limit tenants.
func (r *Registry) List(ctx context.Context, after string, limit int) (page []Tenant, more bool, err error) {
	if page, more, err = r.catalog.list(ctx, after, limit); err != nil {
		return nil, false, err
	}
	return r.withMissing(page), more, nil
}

// withMissing sets the field Missing of the tenants. Call it without mu, because it reads
// files.
func (t *tenantTable) withMissing(page []Tenant) []Tenant {
	if t.o.Missing == nil {
		return page
	}
	for i, until := 0, time.Now().Add(missingTimeout); i < len(page) && time.Now().Before(until); i++ {
		if e := page[i].Effective; e != nil {
			page[i].Missing = t.o.Missing(e)
		}
	}
	return page
}

// listed returns the tenants of the tenantTable for which of reports true and whose ids are
// greater than after, ordered by id.
func (t *tenantTable) listed(after string, of func(*tenant) bool) []Tenant {
	t.mu.Lock()
	var out []Tenant
	for id, n := range t.tenants {
		if id > after && of(n) {
			out = append(out, t.describeLocked(n))
		}
	}
	t.mu.Unlock()
	slices.SortFunc(out, byID)
	return out
}

func byID(a, b Tenant) int { return strings.Compare(a.ID, b.ID) }
