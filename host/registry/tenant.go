package registry

import (
	"reflect"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

// SourceAPI is the source of tenants that were registered over the API.
const SourceAPI = "api"

// tenant is one tenant in the tenantTable. It is guarded by tenantTable.mu.
type tenant struct {
	id        string
	source    string            // SourceAPI or the path of the file
	doc       *config.Document  // the operator's document; nil for a file that was never valid
	own       *config.Document  // the tenant's own document; nil for none
	effective *config.Effective // the served configuration; nil if the settings were never valid
	err       error             // why the newest settings are not served; nil if they are served
	held      error             // why own is held; nil if own is not held, or is nil
	stuck     error             // verdict.err of the present documents
	updated   time.Time
	admission *bot.Admission

	// The fields from version on are for a persistedCatalog, whose comment explains known.
	version     int64 // version in the tenant store that the tenantTable has; 0 if no version was read yet
	noting      int   // number of running calls of noteStorage, which change the tenant's entry themselves
	heard       int64 // newest version that the tenant store has reported
	known       bool  // the tenant can be used without reading it from the store again
	incarnation string
	storages    []config.SealedBlock // storages that the tenant store has recorded for the incarnation
	used        time.Time            // time of the tenant's last use
}

// fromFile reports whether the tenant comes from a file of this host. No other code compares a
// tenant's source with SourceAPI.
func (t *tenant) fromFile() bool { return t.source != SourceAPI }

// mayComeFrom returns an error if a Put with the source must not replace the tenant: the tenant
// of a file over the API, or a registered tenant by a file. If two files have the id, package
// tenantdir has already decided which file counts.
func (t *tenant) mayComeFrom(source string) error {
	switch byFile := source != SourceAPI; {
	case t.fromFile() && !byFile:
		return fault.New(fault.Conflict, "tenant %q comes from the file %s: change it there", t.id, t.source).At("tenant")
	case !t.fromFile() && byFile:
		return fault.New(fault.Conflict, "tenant %q is registered over the API: remove it there first", t.id).At("tenant")
	}
	return nil
}

// fileDocument returns the document of the tenant's file. It is nil for a registered tenant, and
// for a file that was never valid.
func (t *tenant) fileDocument() *config.Document {
	if t.fromFile() {
		return t.doc
	}
	return nil
}

// docs returns the tenant's documents.
func (t *tenant) docs() config.Documents { return config.Documents{Operator: t.doc, Own: t.own} }

// with returns a copy of the tenant that has the documents and the verdict of an accepted
// change.
func (t *tenant) with(change accepted) *tenant {
	out := *t
	out.doc, out.own = change.docs.Operator, change.docs.Own
	out.effective, out.held, out.stuck = change.effective, change.held, change.err
	return &out
}

// Tenant describes a tenant for callers of the Registry.
type Tenant struct {
	ID       string
	Source   string // SourceAPI or the path of the file
	Revision string // revision of the served configuration; empty for none
	// Tag is the value to pass as IfMatch. It is the Revision. For a tenant with own settings,
	// it is a text that differs for each version of the tenant's documents. List does not set
	// it.
	Tag     string
	Version int64 // version of the registration; 0 if the catalog stores no versions
	Removed bool  // the tenant is not served, its id is reserved, and its conversations are stored
	Created bool  // set by Put if the id, or the own document, did not exist before
	// Documents has secrets in it. Secrets in the own document are marked. The own document is
	// nil if there is none.
	Documents config.Documents
	// Held is why the tenant's own document is held, so that the operator's document is served
	// alone. It is nil if the own document is not held, or if there is none.
	Held error
	// Err is why the newest settings are not served. It is nil if they are served.
	Err error
	// Unavailable is why turns are refused although the settings are valid. It is the error of
	// the newest build of the tenant's bot. It is nil if that build succeeded, or if there was
	// none.
	Unavailable error
	// Missing names a secret of the served settings that is missing now, because its file is
	// gone or its environment variable is empty. A bot that was built with the secret still
	// runs, but no new bot can be built. Only Get and List set Missing. It is nil if no secret
	// is missing, and if the search ran out of time.
	Missing   error
	UpdatedAt time.Time
	// Effective is the served configuration. It is nil if the settings were never valid. It
	// must not be changed.
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

// sameDocument reports whether two documents have the same content. An empty document differs
// from nil.
func sameDocument(a, b *config.Document) bool {
	return a == b || a != nil && b != nil && reflect.DeepEqual(a.Values(), b.Values())
}
