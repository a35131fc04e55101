package tenantstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/secret"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// format is the version of the envelope. A change of the envelope that older hosts cannot read
// raises it.
const format = 1

// envelope is the stored JSON form of a registration.
type envelope struct {
	Format   int                  `json:"format"`
	Settings json.RawMessage      `json:"settings,omitempty"`
	Sealed   []config.Path        `json:"sealed,omitempty"` // the paths of sealed texts in Settings
	Storages []config.SealedBlock `json:"storages,omitempty"`
	Former   []Incarnation        `json:"former,omitempty"`
	Receipt  json.RawMessage      `json:"receipt,omitempty"`
	// Layers and the fields after it are unknown to older hosts, which leave them out of the
	// versions that they write. A host that knows the fields always writes Layers. So
	// [Store.recoverOwn] recognizes a version of an older host.
	Layers    int             `json:"layers,omitempty"`
	Own       json.RawMessage `json:"own,omitempty"`
	OwnSealed []config.Path   `json:"own_sealed,omitempty"`
	Author    Author          `json:"author,omitempty"`
}

// layers is the value of Layers in an envelope that this host writes.
const layers = 2

// pack returns the stored form of an entry, with its literal secrets sealed. It returns
// fault.Invalid if the stored form is too large to be read again.
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

// encode returns v as JSON without escapes for HTML. The storage stores these bytes
// unchanged, so that a check of their length is a check of the stored length.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// packSettings returns a document as JSON, with the texts at the paths in literals sealed.
func packSettings(key *secret.Key, doc *config.Document, literals []config.Path, context func(config.Path) []byte) ([]byte, error) {
	sealed := doc.ReplaceText(literals, func(path config.Path, text string) string {
		return key.Seal([]byte(text), context(path))
	})
	return encode(sealed.Values())
}

// unpack decodes the stored form of a registration. If this host cannot read the settings, the
// field Err of the entry says why.
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
	e.Author, e.OwnLiterals, e.knowsOwn = env.Author, env.OwnSealed, env.Layers >= layers
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

// OwnName is the file name that problems in stored own settings have in their positions.
const OwnName = "own settings"

// open parses stored settings and unseals the secrets in them.
func open(key *secret.Key, tenant, name string, settings []byte, literals []config.Path, context func(config.Path) []byte) (*config.Document, error) {
	doc, err := config.ParseStored(name, settings)
	if err != nil {
		return nil, fmt.Errorf("what the registry has of tenant %q: %w", tenant, err)
	}
	// FromMap drops the positions, because lines of the stored JSON are not lines of the
	// author's text.
	doc = config.FromMap(name, doc.Values())
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

// sealContext returns, for each path, the context with which the secret at the path is sealed
// in the operator's document. ownContext does so for own settings. A sealed secret that is
// copied to another tenant, document or path cannot be unsealed there.
func sealContext(tenant string) func(config.Path) []byte {
	return func(path config.Path) []byte { return []byte("tenant\x00" + tenant + "\x00" + path.String()) }
}

func ownContext(tenant string) func(config.Path) []byte {
	return func(path config.Path) []byte { return []byte("own\x00" + tenant + "\x00" + path.String()) }
}
