package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/ledger"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Version is one version in the history of a tenant.
type Version struct {
	Version   int64
	State     storage.TenantState
	Note      string
	CreatedAt time.Time
	Document  *config.Document  // the tenant's settings, with secrets in them; nil for a file's and after a purge
	Effective *config.Effective // what they make now; nil if nothing
	Err       error             // why they make nothing
	Receipt   []byte            // of a purge
	Secrets   []config.Path     // in Document, of texts that are not to be shown
}

// historic refuses what needs a ledger.
func (r *Registry) historic() error {
	if r.o.Ledger == nil {
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
	entries, more, err := r.o.Ledger.History(ctx, id, before, limit)
	if err != nil {
		return nil, false, unreachable(err)
	}
	if len(entries) == 0 && before == 0 {
		return nil, false, unknown(id)
	}
	for _, e := range entries {
		versions = append(versions, r.version(ctx, e))
	}
	return versions, more, nil
}

func (r *Registry) version(ctx context.Context, e *ledger.Entry) Version {
	effective, _ := r.read(ctx, e)
	return Version{
		Version: e.Version, State: e.State, Note: e.Note, CreatedAt: e.CreatedAt, Document: e.Document,
		Effective: effective, Err: e.Err, Receipt: e.Receipt, Secrets: e.Literals,
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

// Rollback gives the tenant the settings that it had at a version, as a new one. See
// Put for IfMatch and errors.
func (r *Registry) Rollback(ctx context.Context, id string, version int64, ifMatch string) (Tenant, *config.Effective, error) {
	v, err := r.Version(ctx, id, version)
	switch {
	case err != nil:
		return Tenant{}, nil, err
	case v.Document == nil && v.Err != nil:
		return Tenant{}, nil, v.Err
	case v.Document == nil:
		return Tenant{}, nil, fault.New(fault.Invalid, "version %d of tenant %q has no settings of its own", version, id).At("version")
	}
	return r.Put(ctx, id, v.Document, PutOptions{IfMatch: ifMatch, Note: fmt.Sprintf("rolled back to version %d", version)})
}
