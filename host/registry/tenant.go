package registry

import (
	"reflect"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
)

// SourceAPI is the source of tenants that were registered over the API.
const SourceAPI = "api"

// tenant is one tenant in the tenantTable. It is guarded by the table's mu.
type tenant struct {
	id        string
	source    string            // SourceAPI, or the path of the file
	doc       *config.Document  // the operator's; nil for a file that never was valid
	own       *config.Document  // the tenant's own; nil for none
	effective *config.Effective // the configuration that is served; nil if none was ever valid
	err       error             // why the newest settings are not served
	held      error             // why own does not count; nil if it counts, or there is none
	stuck     error             // verdict.err of the documents as they are now
	updated   time.Time
	admission *bot.Admission

	// Only a persistedCatalog sets the fields below. Its comment explains known.
	version     int64 // version in the tenant store that the fields show; 0 if none was read yet
	noting      int   // running calls of noteStorage, which change the tenant themselves
	heard       int64 // newest version that the tenant store reported
	known       bool  // the tenant can be used without reading it from the store again
	incarnation string
	storages    []config.SealedBlock // storages that the tenant store has noted for the incarnation
	used        time.Time            // when it was last asked for
}

// fromFile reports whether the tenant comes from a file of this host. No other
// code compares a tenant's source with SourceAPI.
func (t *tenant) fromFile() bool { return t.source != SourceAPI }

// docs returns the tenant's documents.
func (t *tenant) docs() config.Documents { return config.Documents{Operator: t.doc, Own: t.own} }

// with returns the tenant as it is after a change.
func (t *tenant) with(change accepted) *tenant {
	out := *t
	out.doc, out.own = change.docs.Operator, change.docs.Own
	out.effective, out.held, out.stuck = change.effective, change.held, change.err
	return &out
}

// Tenant describes a tenant.
type Tenant struct {
	ID       string
	Source   string // SourceAPI, or the path of the file
	Revision string // of the configuration that is served; empty for none
	// Tag is the value to pass as IfMatch. It is the Revision, or, for a tenant with own
	// settings, a text that differs for each version of its documents. Lists do not set it.
	Tag     string
	Version int64 // version of the registration; 0 where versions are not kept
	Removed bool  // the tenant is not served; its id stays reserved, and its conversations are kept
	Created bool  // the id was free before the Put that returned this
	// Documents have secrets in them. Those of the own document are marked; it is nil for none.
	Documents config.Documents
	// Held is why the tenant's own document does not count, so that the operator's is served
	// alone. It is nil if the own document counts, or if there is none.
	Held error
	// Err is why the newest settings are not served; nil when they are.
	Err error
	// Unavailable is why turns are refused although the settings are valid: the error of the last
	// build of the tenant's bot. It is nil if that build succeeded, or if there was none.
	Unavailable error
	// Missing names a secret of the served settings that is missing now: its file is gone, or its
	// environment variable is empty. A bot that was built with it goes on, but no other can be
	// built. Only Get and List set it. It is nil if no secret is missing, or if that is not known.
	Missing   error
	UpdatedAt time.Time
	// Effective is the configuration that is served; nil if none was ever valid. Do not change
	// it.
	Effective *config.Effective
}

// describe returns the description of a tenant, without Tag, Unavailable and Missing.
func (t *tenant) describe() Tenant {
	out := Tenant{ID: t.id, Source: t.source, Documents: t.docs(), Held: t.held, Err: t.err, UpdatedAt: t.updated, Effective: t.effective}
	if !t.fromFile() || t.own != nil {
		out.Version = t.version
	}
	if out.Err == nil {
		out.Err = t.stuck
	}
	if t.effective != nil {
		out.Revision = t.effective.Revision
	}
	return out
}

// sameDocument reports whether two documents have the same content. An empty document and
// one that is not there are different.
func sameDocument(a, b *config.Document) bool {
	return a == b || a != nil && b != nil && reflect.DeepEqual(a.Values(), b.Values())
}
