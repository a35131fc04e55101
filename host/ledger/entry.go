package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Entry is one version of a registration.
type Entry struct {
	Tenant      string
	Version     int64
	State       storage.TenantState
	Incarnation string
	Note        string // how it came about
	CreatedAt   time.Time
	Document    *config.Document     // the operator's settings; nil for a file's and after a purge
	Own         *config.Document     // the tenant's own settings; nil for none
	Author      Author               // of this version
	Storages    []config.SealedBlock // that turns of this life were written to
	Former      []Life               // earlier lives of the id that are being erased
	Receipt     json.RawMessage      // of a purge
	Literals    []config.Path        // in Document, of secrets that are given as texts
	OwnLiterals []config.Path        // in Own, likewise

	// Err says why Document or Own cannot be read; the rest can.
	Err error
	// Held is why the own settings do not count. It is of whoever reads them, and not kept.
	Held error

	position  int64 // among all versions of all tenants
	twoLayers bool  // whoever wrote it knows of own settings
}

// Author is who made a version.
type Author string

// Authors. A version of a host's own making, such as the note that a storage is used, has
// none; nor has one that was written before there were two.
const (
	Operator Author = "operator"
	Tenant   Author = "tenant"
)

// Life is one life of a tenant's id.
type Life struct {
	Incarnation string               `json:"incarnation"` // empty for one that is not tracked
	Storages    []config.SealedBlock `json:"storages"`    // that turns of it were written to
}

// Uses says whether the entry has the storage.
func (e *Entry) Uses(digest string) bool {
	for _, s := range e.Storages {
		if s.Digest == digest {
			return true
		}
	}
	return false
}

// CanNote returns why the entry cannot note one more storage: fault.Invalid at the
// key of the tenant's storage. A storage that is noted already is not one more.
func (e *Entry) CanNote(s config.SealedBlock) error {
	return e.canNote(s, bounds.MaxStoragesNoted, bounds.MaxStorageNotesBytes, "erase or purge the tenant")
}

// CanNoteOwn is CanNote for a storage that the tenant's own settings name. They leave
// room for those that the operator names later.
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
	for _, life := range append([]Life{{Storages: e.Storages}}, e.Former...) {
		for _, noted := range life.Storages {
			size += noteBytes(noted)
		}
	}
	if len(e.Storages) >= most || size > mostBytes {
		return fault.New(fault.Invalid, "the tenant has used %d storages, and can use no other: at most %d, of %d bytes together as they are stored, are kept in mind until it is erased or purged. Go back to one of them, or %s",
			len(e.Storages), most, mostBytes, otherwise).At(key).By(fault.PartyTenant)
	}
	return nil
}

// noteBytes is about what a noted storage takes.
func noteBytes(s config.SealedBlock) int {
	return len(s.Digest) + len(s.Kind) + len(s.Plugin) + len(s.Config)
}

// format changes when what is written does.
const format = 1

// envelope is what the storage keeps as the document of a registration.
type envelope struct {
	Format   int                  `json:"format"`
	Settings json.RawMessage      `json:"settings,omitempty"`
	Sealed   []config.Path        `json:"sealed,omitempty"` // paths of texts in Settings that are sealed
	Storages []config.SealedBlock `json:"storages,omitempty"`
	Former   []Life               `json:"former,omitempty"`
	Receipt  json.RawMessage      `json:"receipt,omitempty"`
	// What follows is of hosts that know two layers of settings, and each of them writes
	// Layers. A host of before reads the rest, and leaves all this out of what it writes:
	// then it is taken from the version before, see [Ledger.mend].
	Layers    int             `json:"layers,omitempty"` // 2
	Own       json.RawMessage `json:"own,omitempty"`
	OwnSealed []config.Path   `json:"own_sealed,omitempty"`
	Author    Author          `json:"author,omitempty"`
}

// layers is what this host writes as an envelope's Layers.
const layers = 2

// pack makes what the storage keeps, with the literal secrets sealed. fault.Invalid for
// what unpack would not read.
func pack(key *secret.Key, e *Entry) ([]byte, error) {
	env := envelope{
		Format: format, Storages: e.Storages, Former: e.Former, Receipt: e.Receipt,
		Layers: layers, Author: e.Author,
	}
	var err error
	if e.Document != nil {
		env.Sealed = e.Literals
		if env.Settings, err = packSettings(key, e.Document, e.Literals, sealContext(e.Tenant)); err != nil {
			return nil, err
		}
		if n := len(env.Settings); n > bounds.StoredBytes {
			return nil, fault.New(fault.Invalid, "the settings of tenant %q have %d bytes as they are stored; at most %d are taken", e.Tenant, n, bounds.StoredBytes)
		}
	}
	if e.Own != nil {
		env.OwnSealed = e.OwnLiterals
		if env.Own, err = packSettings(key, e.Own, e.OwnLiterals, ownContext(e.Tenant)); err != nil {
			return nil, err
		}
	}
	out, err := encode(env)
	if err == nil && len(out) > sdk.MaxDocumentBytes {
		err = fault.New(fault.Invalid, "what is kept of tenant %q, its settings, its own settings and the %d storages that it uses or used, has %d bytes; at most %d are kept: make its settings smaller, or purge it",
			e.Tenant, len(env.Storages), len(out), sdk.MaxDocumentBytes)
	}
	return out, err
}

// encode makes JSON in which no character is longer than it has to be: what is measured
// is what is stored and read again.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// packSettings writes a document with the texts at the paths sealed.
func packSettings(key *secret.Key, doc *config.Document, literals []config.Path, context func(config.Path) []byte) ([]byte, error) {
	sealed := doc.ReplaceText(literals, func(path config.Path, text string) string {
		return key.Seal([]byte(text), context(path))
	})
	return encode(sealed.Values())
}

// unpack reads a registration. Settings that this host cannot read are the entry's
// Err.
func unpack(key *secret.Key, r storage.Registration) *Entry {
	e := &Entry{Tenant: r.Tenant, Version: r.Version, State: r.State, Incarnation: r.Incarnation, Note: r.Note, CreatedAt: r.CreatedAt, position: r.Position}
	var env envelope
	if err := json.Unmarshal(r.Document, &env); err != nil {
		e.Err = fmt.Errorf("what the registry has of tenant %q is not a registration: %w", r.Tenant, err)
		return e
	}
	if env.Format > format {
		e.Err = fmt.Errorf("what the registry has of tenant %q was written by a newer host (format %d; this host reads up to %d)", r.Tenant, env.Format, format)
		return e
	}
	e.Storages, e.Former, e.Receipt, e.Literals = env.Storages, env.Former, env.Receipt, env.Sealed
	e.Author, e.OwnLiterals, e.twoLayers = env.Author, env.OwnSealed, env.Layers >= layers
	if env.Settings != nil {
		e.Document, e.Err = open(key, r.Tenant, "registry", env.Settings, env.Sealed, sealContext(r.Tenant))
	}
	if env.Own != nil {
		own, err := open(key, r.Tenant, OwnName, env.Own, env.OwnSealed, ownContext(r.Tenant))
		if e.Own = own; e.Err == nil {
			e.Err = err
		}
	}
	return e
}

// OwnName stands for a tenant's stored own settings in the positions of problems.
const OwnName = "own settings"

func open(key *secret.Key, tenant, name string, settings []byte, literals []config.Path, context func(config.Path) []byte) (*config.Document, error) {
	doc, err := config.ParseStored(name, settings)
	if err != nil {
		return nil, fmt.Errorf("what the registry has of tenant %q: %w", tenant, err)
	}
	doc = config.FromMap(name, doc.Values()) // positions in a line that nobody wrote help nobody
	doc = doc.ReplaceText(literals, func(path config.Path, text string) string {
		plain, failed := key.Open(text, context(path))
		if failed != nil {
			err = failed
		}
		return string(plain)
	})
	if errors.Is(err, secret.ErrSealed) {
		return nil, fault.New(fault.Invalid, "a secret of tenant %q in the registry was sealed with the key of another host: give all hosts of this registry the same key, by host_key or as host.key in their data_dir, or put the tenant again with its secrets", tenant).By(fault.PartyHost)
	}
	return doc.MarkSecret(literals), err
}

// sealContext and ownContext tie what is sealed to its place: it opens nowhere else.
func sealContext(tenant string) func(config.Path) []byte {
	return func(path config.Path) []byte { return []byte("tenant\x00" + tenant + "\x00" + path.String()) }
}

func ownContext(tenant string) func(config.Path) []byte {
	return func(path config.Path) []byte { return []byte("own\x00" + tenant + "\x00" + path.String()) }
}
