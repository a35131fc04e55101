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
	Tenant      string
	Version     int64
	State       storage.TenantState
	Incarnation string // id of the present incarnation; empty for a file's first one
	Note        string // why the version was made, for people
	CreatedAt   time.Time
	Document    *config.Document     // the operator's settings; nil for a file's tenant and after a purge
	Own         *config.Document     // the tenant's own settings; nil for none
	Author      Author               // who made this version
	Storages    []config.SealedBlock // storages that turns of the present incarnation are written to, the newest last
	Former      []Incarnation        // ended incarnations that are not erased yet
	Receipt     json.RawMessage      // receipt of a purge; nil for none
	Literals    []config.Path        // where Document has secrets as literal texts
	OwnLiterals []config.Path        // where Own has such secrets

	// Err is why Document or Own cannot be read. The other fields are set anyway.
	Err error
	// Held is why Own is ignored now. Package registry sets it; it is not stored.
	Held error

	position int64 // the version's place among all versions of all tenants
	knowsOwn bool  // it was written by a version of the host that supports Own
}

// Author is who made a version.
type Author string

// The authors. Two kinds of versions have none: those that a host made by itself, for example to
// note a storage, and those that an older host wrote.
const (
	Operator Author = "operator"
	Tenant   Author = "tenant"
)

// Incarnation is the time of a tenant's id between two erasures, with the conversations of that
// time. Each erasure or purge ends one, and the next use of the id begins another.
type Incarnation struct {
	ID       string               `json:"incarnation"` // empty if incarnations are not tracked, and for the first one of a file's tenant
	Storages []config.SealedBlock `json:"storages"`    // storages that its turns were written to
}

// Uses reports whether Storages has one with this digest.
func (e *Entry) Uses(digest string) bool {
	for _, s := range e.Storages {
		if s.Digest == digest {
			return true
		}
	}
	return false
}

// CanNote returns nil if the storage is in Storages or can be added, else fault.Invalid at the
// key of the tenant's storage.
func (e *Entry) CanNote(s config.SealedBlock) error {
	return e.canNote(s, bounds.MaxStoragesNoted, bounds.MaxStorageNotesBytes, "erase or purge the tenant")
}

// CanNoteOwn is CanNote for a storage that the tenant's own settings name. Its bounds are
// lower, to leave room for storages that the operator names later.
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

// noteBytes returns about how many bytes a storage takes in the stored entry.
func noteBytes(s config.SealedBlock) int {
	return len(s.Digest) + len(s.Kind) + len(s.Plugin) + len(s.Config)
}
