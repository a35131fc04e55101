package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Version is one version of a tenant in the tenant's history.
type Version struct {
	Version   int64
	State     storage.TenantState
	Note      string
	CreatedAt time.Time
	Author    Author            // empty for a version that a host stored by itself
	Document  *config.Document  // the operator's document, with secrets; nil for a file's tenant and after a purge
	Own       *config.Document  // the tenant's own document, with secrets; nil for none
	Effective *config.Effective // configuration of both documents by the present check; nil if they are not valid
	Held      error             // why the present check holds Own; nil if Own is not held
	Err       error             // why the documents are not valid; nil if they are valid
	Receipt   []byte            // receipt of a purge; nil for none
	Secrets   []config.Path     // where Document has secret values

	OwnSecrets []config.Path // where Own has secret values
}

// History returns a page of a tenant's versions, newest first. The page has at most limit
// versions, whose numbers are less than before. If before is 0, the page begins with the newest
// version. more reports whether older versions follow. The error is fault.NotFound if the
// tenant has no versions.
func (r *Registry) History(ctx context.Context, id string, before int64, limit int) (versions []Version, more bool, err error) {
	return r.catalog.history(ctx, id, before, limit)
}

// CountVersions returns how many versions of a tenant's registration are stored.
func (r *Registry) CountVersions(ctx context.Context, id string) (int64, error) {
	return r.catalog.countVersions(ctx, id)
}

// Restore serves a removed tenant again, with the settings that the tenant had. The error is
// fault.NotFound for an unknown tenant. It is fault.Conflict for a tenant that is not removed.
func (r *Registry) Restore(ctx context.Context, id string) (Tenant, error) {
	return r.catalog.restore(ctx, id)
}

// history implements histories.history.
func (c *persistedCatalog) history(ctx context.Context, id string, before int64, limit int) (versions []Version, more bool, err error) {
	if err := config.ValidTenantID(id); err != nil {
		return nil, false, unknown(id)
	}
	entries, more, err := c.store.History(ctx, id, before, limit)
	if err != nil {
		return nil, false, unreachable(err)
	}
	if len(entries) == 0 && before == 0 {
		return nil, false, unknown(id)
	}
	judged := 0
	for i, e := range entries {
		versions = append(versions, c.version(ctx, e))
		if judged += weight(e); judged >= bounds.PageValues {
			return versions, more || i < len(entries)-1, nil
		}
	}
	return versions, more, nil
}

// countVersions implements histories.countVersions.
func (c *persistedCatalog) countVersions(ctx context.Context, id string) (n int64, err error) {
	for before, more := int64(0), true; more; {
		var page []*tenantstore.Entry
		if page, more, err = c.store.History(ctx, id, before, storage.MaxPage); err != nil {
			return 0, unreachable(err)
		}
		if len(page) == 0 {
			break
		}
		n += int64(len(page))
		before = page[len(page)-1].Version
	}
	return n, nil
}

// version checks the settings of an entry and returns the entry's description.
func (c *persistedCatalog) version(ctx context.Context, e *tenantstore.Entry) Version {
	effective, _ := c.judgeEntry(ctx, e)
	return Version{
		Version: e.Version, State: e.State, Note: e.Note, CreatedAt: e.CreatedAt, Author: e.Author,
		Document: e.Document, Own: e.Own, Effective: effective, Held: e.Held, Err: e.Err, Receipt: e.Receipt,
		Secrets: e.Literals, OwnSecrets: e.OwnLiterals,
	}
}

// Version returns one version of a tenant. The error is fault.NotFound if the version is not
// stored.
func (r *Registry) Version(ctx context.Context, id string, version int64) (Version, error) {
	if version >= 1 {
		found, _, err := r.History(ctx, id, version+1, 1)
		if err != nil {
			return Version{}, err
		}
		if len(found) == 1 && found[0].Version == version {
			return found[0], nil
		}
	}
	return Version{}, fault.New(fault.NotFound, "tenant %q has no version %d, or not any more", id, version).At("version")
}

// Rollback puts one of the tenant's documents again as it was at a version. The document is the
// own document if author is the tenant, and the operator's document otherwise. The present
// policy must allow the own document. The other document does not change. ifMatch and the
// errors are those of Put.
func (r *Registry) Rollback(ctx context.Context, id string, version int64, author Author, ifMatch string) (Tenant, error) {
	v, err := r.Version(ctx, id, version)
	doc := v.Document
	if author == tenantstore.Tenant {
		doc = v.Own
	}
	switch {
	case err != nil:
		return Tenant{}, err
	case doc == nil && v.Err != nil && author == tenantstore.Tenant:
		return Tenant{}, notServed(v.Err, config.Documents{Operator: v.Document})
	case doc == nil && v.Err != nil:
		return Tenant{}, v.Err
	case doc == nil && author == tenantstore.Tenant:
		return Tenant{}, fault.New(fault.Invalid, "at version %d tenant %q has no own settings: remove those that it has to be as it was", version, id).At("version")
	case doc == nil:
		return Tenant{}, fault.New(fault.Invalid, "version %d of tenant %q has no settings of the operator", version, id).At("version")
	}
	return r.Put(ctx, id, doc, PutOptions{Author: author, IfMatch: ifMatch, Note: fmt.Sprintf("rolled back to version %d", version)})
}
