package tenantstore

import (
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Entry is one version of a tenant's registration.
type Entry struct {
	Tenant  string
	Version int64
	State   storage.TenantState
	// the id of the present incarnation; empty for the first incarnation of a tenant of a file
	Incarnation string
	Note        string // why the version was made, as text for people
	CreatedAt   time.Time
	Document    *config.Document // the operator's settings; nil for a tenant of a file and after a purge
	Own         *config.Document // the tenant's own settings; nil if it has none
	Author      Author           // who made this version
	// the storages that turns of the present incarnation are written to, the newest last
	Storages    []config.SealedBlock
	Former      []Incarnation   // former incarnations that are not erased yet
	Receipt     json.RawMessage // the receipt of a purge; nil before a purge
	Literals    []config.Path   // the paths in Document of secrets that are literal texts
	OwnLiterals []config.Path   // the paths in Own of secrets that are literal texts

	// Err says why Document or Own cannot be read. The other fields are set even if Err is set.
	Err error
	// Held says why Own is ignored now. Package registry sets Held, which is not stored.
	Held error

	position int64 // the position of the version among the versions of all tenants
	knowsOwn bool  // a host that supports Own wrote the version
}

// Author says who made a version. It is empty for a version that a host made by itself, for
// example to record a storage, and for a version of an older host.
type Author string

const (
	Operator Author = "operator"
	Tenant   Author = "tenant"
)

// Incarnation is the time between two erasures of a tenant, with the conversations of that
// time. Each erasure or purge ends an incarnation. The next use of the tenant's id begins a new
// incarnation.
type Incarnation struct {
	// empty without tracking of incarnations, and for the first incarnation of a tenant of a
	// file
	ID string `json:"incarnation"`
	// the storages that the incarnation's turns were written to
	Storages []config.SealedBlock `json:"storages"`
}

// Uses reports whether Storages has a storage with this digest.
func (e *Entry) Uses(digest string) bool {
	for _, s := range e.Storages {
		if s.Digest == digest {
			return true
		}
	}
	return false
}

// CanNote returns nil if Storages has the storage already, or has space for it. Otherwise it
// returns fault.Invalid at the key conversation_storage.
func (e *Entry) CanNote(s config.SealedBlock) error {
	return e.canNote(s, bounds.MaxStoragesNoted, bounds.MaxStorageNotesBytes, "erase or purge the tenant")
}

// CanNoteOwn does what CanNote does, for a storage that the tenant's own settings name. Its
// bounds are lower, so that space is left for storages that the operator names later.
func (e *Entry) CanNoteOwn(s config.SealedBlock) error {
	return e.canNote(s, bounds.MaxOwnStoragesNoted, bounds.MaxOwnStorageNotesBytes, "have the operator name another")
}

func (e *Entry) canNote(s config.SealedBlock, most, mostBytes int, otherwise string) error {
	if e.Uses(s.Digest) {
		return nil
	}
	const key = "conversation_storage"
	size := noteBytes(s)
	if size > bounds.MaxStorageNoteBytes {
		return fault.New(fault.Invalid, "the settings of the storage have %d bytes as they are stored; expected %d at most", size, bounds.MaxStorageNoteBytes).At(key).By(fault.PartyTenant)
	}
	for _, i := range append([]Incarnation{{Storages: e.Storages}}, e.Former...) {
		for _, noted := range i.Storages {
			size += noteBytes(noted)
		}
	}
	if len(e.Storages) >= most || size > mostBytes {
		return fault.New(fault.Invalid, "the tenant has used %d storages, and can use no other: at most %d, of %d bytes together as they are stored, are kept in mind until it is erased or purged. Go back to one of them, or %s",
			len(e.Storages), most, mostBytes, otherwise).At(key).By(fault.PartyTenant)
	}
	return nil
}

// noteBytes returns about how many bytes a storage takes in the stored form of an entry.
func noteBytes(s config.SealedBlock) int {
	return len(s.Digest) + len(s.Kind) + len(s.Plugin) + len(s.Config)
}
