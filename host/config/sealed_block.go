package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/host/secret"
)

// These keys mark a secret or a reference in the stored form of a block. No document can contain
// them, because checkKey refuses control characters.
const (
	secretMark    = separator + "secret"
	referenceMark = separator + "reference"
	tenantMark    = separator + "tenant"
)

// plainForm returns the block with its nested blocks as JSON types. Each literal secret is replaced by the result of
// hide.
func (b Block) plainForm(hide func(secret.Text) string) any {
	config := cursor{}.transform(b.Config, nil, func(_ Path, value any, _ marks) any {
		switch v := value.(type) {
		case secret.Text:
			return map[string]any{secretMark: hide(v)}
		case Reference:
			return map[string]any{referenceMark: v.String(), tenantMark: v.Tenant}
		}
		return value
	})
	form := []any{b.Plugin, config}
	for _, n := range b.Nested() {
		form = append(form, n.Role(), n.plainForm(hide))
	}
	return form
}

// digest returns a keyed digest that is equal for equal blocks. Without the key, a guess of a
// secret in the block cannot be checked against the digest.
func (b Block) digest(key *secret.Key) string {
	form := b.plainForm(func(t secret.Text) string { return key.Digest([]byte(t.Reveal())) })
	if b.Egress.Restricts() {
		form = []any{form, "own"}
	}
	content, err := json.Marshal(form)
	if err != nil {
		panic(err) // unreachable: JSON can encode maps, lists and finite scalars
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// SealedBlock is the stored form of a block. Its literal secrets are encrypted with the host's
// key, and its references are unresolved.
type SealedBlock struct {
	Digest string          `json:"digest"` // equal for equal blocks that were sealed with the same key
	Kind   string          `json:"kind"`
	Plugin string          `json:"plugin"`
	Config json.RawMessage `json:"config"`
	// Own says that the tenant's own settings name an address in the block. The host's egress
	// policy then applies to the connections of the plugin.
	Own bool `json:"own,omitempty"`
}

// Label returns the name of the plugin and the texts and numbers of the block, for people to
// read. It contains no secret.
func (s SealedBlock) Label() string {
	var tree map[string]any
	numbers := json.NewDecoder(bytes.NewReader(s.Config))
	numbers.UseNumber()
	if numbers.Decode(&tree) != nil {
		return s.Plugin
	}
	var parts []string
	plainLeaves(nil, tree, func(path Path, value any) {
		parts = append(parts, fmt.Sprintf("%s=%v", path, value))
	})
	slices.Sort(parts)
	if len(parts) == 0 {
		return s.Plugin
	}
	return s.Plugin + " (" + strings.Join(parts, ", ") + ")"
}

// plainLeaves calls found for each text and each number in tree that is neither a secret nor a
// reference.
func plainLeaves(path Path, tree map[string]any, found func(Path, any)) {
	for key, value := range tree {
		switch v := value.(type) {
		case map[string]any:
			if v[secretMark] == nil && v[referenceMark] == nil {
				plainLeaves(path.with(key), v, found)
			}
		case string, json.Number:
			found(path.with(key), v)
		}
	}
}

// SealBlock returns the stored form of a tenant's block. It must not be called for a block with
// nested blocks, which no storage plugin can have.
func (h *Host) SealBlock(tenant string, b Block) SealedBlock {
	form, _ := b.plainForm(func(t secret.Text) string {
		return h.sealer.Seal([]byte(t.Reveal()), blockContext(tenant, b.Kind))
	}).([]any)
	var config bytes.Buffer
	encoder := json.NewEncoder(&config)
	encoder.SetEscapeHTML(false) // without this, "<" would become the six bytes \u003c
	if err := encoder.Encode(form[1]); err != nil {
		panic(err) // unreachable: digest encodes the same types
	}
	return SealedBlock{Digest: b.digest(h.sealer), Kind: b.Kind, Plugin: b.Plugin, Config: bytes.TrimSuffix(config.Bytes(), []byte("\n")), Own: b.Egress.Restricts()}
}

// OpenBlock decrypts a block that SealBlock returned. The error wraps secret.ErrSealed if the
// block was sealed with another key.
func (h *Host) OpenBlock(tenant string, s SealedBlock) (Block, error) {
	var tree map[string]any
	numbers := json.NewDecoder(bytes.NewReader(s.Config))
	numbers.UseNumber() // keeps the digits of each number
	err := numbers.Decode(&tree)
	var config any
	if err == nil {
		config, err = h.openTree(tenant, s.Kind, tree)
	}
	if err != nil {
		return Block{}, fmt.Errorf("a stored block of plugin %s: %w", s.Plugin, err)
	}
	m, _ := config.(map[string]any)
	b := Block{Kind: s.Kind, Plugin: s.Plugin, Config: m}
	if s.Own {
		b.Egress = h.egress
	}
	return b, nil
}

// openTree returns a value of a stored block with its secrets decrypted and its references
// parsed.
func (h *Host) openTree(tenant, kind string, value any) (any, error) {
	switch v := value.(type) {
	case map[string]any:
		if sealed, ok := v[secretMark].(string); ok {
			plain, err := h.sealer.Open(sealed, blockContext(tenant, kind))
			return secret.NewText(string(plain)), err
		}
		if text, ok := v[referenceMark].(string); ok {
			ref, _ := parseReference(text)
			ref.Tenant, _ = v[tenantMark].(bool)
			return ref, nil
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			opened, err := h.openTree(tenant, kind, item)
			if err != nil {
				return nil, err
			}
			out[key] = opened
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			var err error
			if out[i], err = h.openTree(tenant, kind, item); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return value, nil
}

// blockContext returns the context that binds a sealed secret to the tenant and the kind of its
// block. A secret that is moved to another block cannot be decrypted.
func blockContext(tenant, kind string) []byte {
	return []byte("block" + separator + tenant + separator + kind)
}
