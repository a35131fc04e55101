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
	Document    *config.Document     // the tenant's settings; nil for a file's and after a purge
	Storages    []config.SealedBlock // that turns of this life were written to
	Former      []Life               // earlier lives of the id that are being erased
	Receipt     json.RawMessage      // of a purge
	Literals    []config.Path        // in Document, of secrets that are given as texts

	// Err says why Document cannot be read; the rest can.
	Err error
}

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
	if len(e.Storages) >= bounds.MaxStoragesNoted || size > bounds.MaxStorageNotesBytes {
		return fault.New(fault.Invalid, "the tenant has used %d storages, and can use no other: at most %d, of %d bytes together as they are stored, are kept in mind until it is erased or purged. Go back to one of them, or erase or purge the tenant",
			len(e.Storages), bounds.MaxStoragesNoted, bounds.MaxStorageNotesBytes).At(key).By(fault.PartyTenant)
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
}

// pack makes what the storage keeps, with the literal secrets sealed. fault.Invalid for
// what unpack would not read.
func pack(key *secret.Key, e *Entry) ([]byte, error) {
	env := envelope{Format: format, Storages: e.Storages, Former: e.Former, Receipt: e.Receipt}
	if e.Document != nil {
		env.Sealed = e.Literals
		sealed := e.Document.ReplaceText(e.Literals, func(path config.Path, text string) string {
			return key.Seal([]byte(text), sealContext(e.Tenant, path))
		})
		var err error
		if env.Settings, err = encode(sealed.Values()); err != nil {
			return nil, err
		}
		if n := len(env.Settings); n > bounds.StoredBytes {
			return nil, fault.New(fault.Invalid, "the settings of tenant %q have %d bytes as they are stored; at most %d are taken", e.Tenant, n, bounds.StoredBytes)
		}
	}
	out, err := encode(env)
	if err == nil && len(out) > sdk.MaxDocumentBytes {
		err = fault.New(fault.Invalid, "what is kept of tenant %q, its settings and the %d storages that it uses or used, has %d bytes; at most %d are kept: make its settings smaller, or purge it",
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

// unpack reads a registration. Settings that this host cannot read are the entry's
// Err.
func unpack(key *secret.Key, r storage.Registration) *Entry {
	e := &Entry{Tenant: r.Tenant, Version: r.Version, State: r.State, Incarnation: r.Incarnation, Note: r.Note, CreatedAt: r.CreatedAt}
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
	if env.Settings != nil {
		e.Document, e.Err = open(key, r.Tenant, env)
	}
	return e
}

func open(key *secret.Key, tenant string, env envelope) (*config.Document, error) {
	const name = "registry"
	doc, err := config.ParseStored(name, env.Settings)
	if err != nil {
		return nil, fmt.Errorf("what the registry has of tenant %q: %w", tenant, err)
	}
	doc = config.FromMap(name, doc.Values()) // positions in a line that nobody wrote help nobody
	doc = doc.ReplaceText(env.Sealed, func(path config.Path, text string) string {
		plain, failed := key.Open(text, sealContext(tenant, path))
		if failed != nil {
			err = failed
		}
		return string(plain)
	})
	if errors.Is(err, secret.ErrSealed) {
		return nil, fault.New(fault.Invalid, "a secret of tenant %q in the registry was sealed with the key of another host: give all hosts of this registry the same key, by host_key or as host.key in their data_dir, or put the tenant again with its secrets", tenant).By(fault.PartyHost)
	}
	return doc.MarkSecret(env.Sealed), err
}

func sealContext(tenant string, path config.Path) []byte {
	return []byte("tenant\x00" + tenant + "\x00" + path.String())
}
