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

// Version is one version in the history of a tenant.
type Version struct {
	Version   int64
	State     storage.TenantState
	Note      string
	CreatedAt time.Time
	Author    Author            // empty: a host, by itself
	Document  *config.Document  // the operator's, with secrets in it; nil for a file's and after a purge
	Own       *config.Document  // the tenant's own, likewise; nil for none
	Effective *config.Effective // what they make now; nil if nothing
	Held      error             // why Own does not count now
	Err       error             // why they make nothing
	Receipt   []byte            // of a purge
	Secrets   []config.Path     // in Document, of texts that are not to be shown

	OwnSecrets []config.Path // in Own
}

// historic refuses what needs a ledger.
func (r *Registry) historic() error {
	if r.o.Store == nil {
		return fault.New(fault.Invalid, "this host keeps its tenants in memory only, without a history: name a storage for them in the host file").At("registry.storage")
	}
	return nil
}

// History pages through a tenant's versions, newest first: those less than before,
// unless it is 0, at most limit. fault.NotFound when there are none.
func (r *Registry) History(ctx context.Context, id string, before int64, limit int) (versions []Version, more bool, err error) {
	if err := r.historic(); err != nil {
		return nil, false, err
	}
	if err := config.ValidTenantID(id); err != nil {
		return nil, false, unknown(id)
	}
	entries, more, err := r.o.Store.History(ctx, id, before, limit)
	if err != nil {
		return nil, false, unreachable(err)
	}
	if len(entries) == 0 && before == 0 {
		return nil, false, unknown(id)
	}
	judged := 0
	for i, e := range entries {
		versions = append(versions, r.version(ctx, e))
		if judged += weight(e); judged >= bounds.PageValues {
			return versions, more || i < len(entries)-1, nil
		}
	}
	return versions, more, nil
}

func (r *Registry) version(ctx context.Context, e *tenantstore.Entry) Version {
	effective, _ := r.read(ctx, e)
	return Version{
		Version: e.Version, State: e.State, Note: e.Note, CreatedAt: e.CreatedAt, Author: e.Author,
		Document: e.Document, Own: e.Own, Effective: effective, Held: e.Held, Err: e.Err, Receipt: e.Receipt,
		Secrets: e.Literals, OwnSecrets: e.OwnLiterals,
	}
}

// Version answers one version of a tenant. fault.NotFound.
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

// Rollback gives the tenant one of its documents as it was at a version, as a new one:
// the operator's or, for that author, its own, which has to be what the policy of today
// allows. The other stays as it is. See Put for IfMatch and errors.
func (r *Registry) Rollback(ctx context.Context, id string, version int64, author Author, ifMatch string) (Tenant, *config.Effective, error) {
	v, err := r.Version(ctx, id, version)
	doc := v.Document
	if author == tenantstore.Tenant {
		doc = v.Own
	}
	switch {
	case err != nil:
		return Tenant{}, nil, err
	case doc == nil && v.Err != nil:
		return Tenant{}, nil, v.Err
	case doc == nil && author == tenantstore.Tenant:
		return Tenant{}, nil, fault.New(fault.Invalid, "at version %d tenant %q has no own settings: remove those that it has to be as it was", version, id).At("version")
	case doc == nil:
		return Tenant{}, nil, fault.New(fault.Invalid, "version %d of tenant %q has no settings of the operator", version, id).At("version")
	}
	return r.Put(ctx, id, doc, PutOptions{Author: author, IfMatch: ifMatch, Note: fmt.Sprintf("rolled back to version %d", version)})
}
