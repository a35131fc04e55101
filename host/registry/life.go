package registry

import (
	"context"
	"crypto/rand"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/tenantstore"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// newLife names a life of a tenant's id.
func newLife() string { return rand.Text() }

// prepare answers the life that a bot's turns are written under, once the ledger
// knows which storage that is: whoever purges the tenant looks there.
func (r *Registry) prepare(ctx context.Context, t *tenant, effective *config.Effective) (life string, err error) {
	if r.o.Store == nil {
		return "", nil
	}
	used := r.o.Storage(effective)
	r.mu.Lock()
	noted := t.known && (&tenantstore.Entry{Storages: t.storages}).Uses(used.Digest)
	life = t.incarnation
	file := t.source != SourceAPI
	if noted {
		r.mu.Unlock()
		return life, nil
	}
	t.noting++
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if t.noting--; !t.known {
			r.forgetFiles(t) // it was somebody else's change too
		}
	}()
	// From before it is looked at, changes are heard of.
	if err := r.o.Store.EnsureFresh(ctx); err != nil {
		return "", unreachable(err)
	}
	put, err := r.changeStored(ctx, t.id, false, false, func(e *tenantstore.Entry) (*tenantstore.Entry, error) {
		next := &tenantstore.Entry{State: storage.TenantFromFile, Note: "served from a file"}
		switch {
		case !file && (e == nil || e.State != storage.TenantActive):
			return nil, absence(t.id, e)
		case file && e != nil && reservedFromFiles(e) != nil:
			return nil, fault.New(fault.Invalid, "tenant %q comes from a file, and %w", t.id, reservedFromFiles(e)).By(fault.PartyTenant)
		case e == nil:
			// The first life of a file's tenant has no name: there may be conversations
			// from when the host had no registry.
		case e.State == storage.TenantPurged:
			next.Incarnation = newLife()
		case e.Uses(used.Digest):
			return nil, nil
		default:
			*next = *e
			next.Author = ""
			if !file {
				next.Note = "uses another storage"
			}
		}
		if err := next.CanNote(used); err != nil {
			return nil, err
		}
		next.Storages = append(next.Storages[:len(next.Storages):len(next.Storages)], used)
		return next, nil
	})
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if file && r.tenants[t.id] == t {
		r.note(t, put)
	} else if t.version < put.Version {
		t.version, t.storages = put.Version, put.Storages
	}
	return put.Incarnation, nil
}

// note takes what the ledger has of the life of a file's tenant. The caller holds mu.
func (r *Registry) note(t *tenant, e *tenantstore.Entry) {
	switch {
	case e.Version < t.version:
	case !sameDocument(t.own, ownOfFile(e)): // somebody changed it: it is judged before it counts
		t.known, t.heard = false, max(t.heard, e.Version)
		r.forget(t)
	default:
		t.version, t.known, t.incarnation, t.storages = e.Version, e.Version >= t.heard, e.Incarnation, e.Storages
	}
}
