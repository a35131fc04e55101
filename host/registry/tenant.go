package registry

import (
	"reflect"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/config"
)

// SourceAPI is the source of tenants that were registered over the API.
const SourceAPI = "api"

// tenant is what this host knows of one id. It is guarded by the Registry's mu.
type tenant struct {
	id        string
	source    string            // SourceAPI, or the path of the file
	doc       *config.Document  // the operator's; nil for a file that never was valid
	own       *config.Document  // the tenant's own; nil for none
	effective *config.Effective // what is served; nil if there never was anything valid
	err       error             // why the newest settings are not served
	held      error             // why own does not count; nil if it counts, or is not there
	stuck     error             // why what own makes is not served; see verdict.err
	updated   time.Time
	admission *bot.Admission

	// What follows is set by a persistedCatalog alone. See there for known and heard.
	version     int64 // of what is here; 0 for a file's tenant until its bot was built
	noting      int   // how many noteStorage are at work: a change may be their own
	heard       int64 // newest version that the tenant store told of
	known       bool  // nothing newer than version has to be read before the tenant is used
	incarnation string
	storages    []config.SealedBlock // that the tenant store knows of
	used        time.Time            // when it was last asked for
}

// fromFile reports whether a file of this host brings the tenant. It is the one place where
// sources are told apart.
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
	Revision string // that is served; empty for none
	// Tag is what IfMatch takes. It is the Revision, or, for a tenant with own settings, a text
	// that differs for each version of its documents. It is not set in lists.
	Tag     string
	Version int64 // of the registration; 0 where versions are not kept
	Removed bool  // it is not served; its id is reserved, and what it wrote is kept
	Created bool  // the id was free before the Put that returned this
	// Documents have secrets in them. Those of the own document are marked; it is nil for none.
	Documents config.Documents
	// Held is why the tenant's own document does not count, and the operator's is served alone.
	// It is nil if the own document counts, or is not there.
	Held error
	// Err is why the newest settings are not served; nil when they are.
	Err error
	// Unavailable is why turns are refused although the settings are valid: the error of the last
	// try to build the tenant's bot. It is nil if that worked, or nobody tried.
	Unavailable error
	// Missing is which secret of the served settings is not there any more: a file that is gone,
	// or a variable that is empty. A bot that was built with it goes on, but no other can be
	// built. Only Get and List look for it. It is nil also if it is not known.
	Missing   error
	UpdatedAt time.Time
	// Effective is what is served; nil if there never was anything valid. Do not change it.
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
