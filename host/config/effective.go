package config

import (
	"fmt"
	"slices"

	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk/egress"
)

// Effective is the configuration of a tenant's bot after all layers were merged and checked. It
// is immutable and safe for concurrent use. Printing it shows no secret.
type Effective struct {
	Tenant string
	// Revision is a digest of the fields below except Plan. The digest covers references by their
	// text, not by the secrets that they name. The revision is equal on all hosts with equal
	// content and an equal key.
	Revision string
	Plan     string // name of the tenant's plan; empty for none
	LLM      Block  // plugin kind "llm", from the key llm
	// Fallback has the blocks of llm.fallback in their order. Their plugin kind is "llm".
	Fallback []Block
	Memory   Block // plugin kind "memory", from the key memory
	Storage  Block // plugin kind "storage", from the key conversation_storage
	Limits   Limits
	// Prompts has the values of prompts, with the constant variables replaced.
	Prompts prompt.Set
	// RetentionDays is the value of conversation_storage.retention_days. A conversation is
	// deleted when it has not changed for this number of days; 0 means that conversations are
	// never deleted. The host does not pass the key to the plugin.
	RetentionDays int
	// Owner is the value of conversations.owner, which is OwnerUser or OwnerTenant.
	Owner string

	inputs inputs
}

// The values of conversations.owner say who owns a conversation.
const (
	OwnerUser   = "user"   // the user who began the conversation; the tenant if the first turn named no user
	OwnerTenant = "tenant" // all users of the tenant together
)

// Block is the configuration of one plugin.
type Block struct {
	Kind, Plugin string
	// Config is the block without the keys that the host reads itself, without nested blocks and
	// without the plugin's own defaults. Each secret in Config is a secret.Text or a [Reference]. [Host.Resolve]
	// returns the block as the host sends it to the plugin.
	Config map[string]any
	// Egress says to which addresses the block's plugin may connect. It restricts nothing if the
	// tenant's own settings name no address in the block.
	Egress egress.Policy

	// nesting is nil for a block at the top level without nested blocks, so that most tenants need
	// no memory for it.
	nesting *nesting
}

// nesting says where a nested block or a fallback block is, or which nested blocks a block has.
type nesting struct {
	path  Path   // empty for a block at the top level
	role  string // empty for a block at the top level and for a fallback block
	inner []Block
}

// Path returns the path of the block in a tenant's configuration.
func (b Block) Path() Path {
	if b.nesting != nil && len(b.nesting.path) > 0 {
		return b.nesting.path
	}
	if i := slices.IndexFunc(blocks, func(known block) bool { return known.kind == b.Kind }); i >= 0 {
		return blocks[i].path
	}
	return Path{b.Kind}
}

// Role returns the role under which the outer plugin calls the plugin of a nested block. It returns
// "" for other blocks.
func (b Block) Role() string {
	if b.nesting == nil {
		return ""
	}
	return b.nesting.role
}

// Nested returns the nested blocks of the block, at most one for each role. The block's own plugin
// gets none of them. The caller does not modify the result.
func (b Block) Nested() []Block {
	if b.nesting == nil {
		return nil
	}
	return b.nesting.inner
}

// HasReferences reports whether the block contains a reference. If it does, the result of
// [Host.Resolve] can change although the revision stays the same.
func (b Block) HasReferences() bool {
	found := false
	cursor{}.leaves(nil, b.Config, func(_ Path, value any, _ marks) {
		_, ok := value.(Reference)
		found = found || ok
	})
	return found
}

// String returns the tenant's id and the revision.
func (e *Effective) String() string {
	return fmt.Sprintf("tenant %s at revision %s", e.Tenant, e.Revision)
}

// Models returns the blocks of the tenant's models: the block llm, and the fallback blocks in their
// order.
func (e *Effective) Models() []Block { return append([]Block{e.LLM}, e.Fallback...) }

// Blocks returns the plugin blocks of e: llm with its fallback blocks, memory and storage, each
// followed by its nested blocks.
func (e *Effective) Blocks() []Block {
	var out []Block
	for _, b := range append(e.Models(), e.Memory, e.Storage) {
		out = append(append(out, b), b.Nested()...)
	}
	return out
}

// blockAt returns the block of e with the longest path that is path or above path. It returns false
// if path is not in a plugin's block.
func (e *Effective) blockAt(path Path) (Block, bool) {
	var found Block
	ok := false
	for _, b := range e.Blocks() {
		if _, below := path.relativeTo(b.Path()); below && (!ok || len(b.Path()) > len(found.Path())) {
			found, ok = b, true
		}
	}
	return found, ok
}
