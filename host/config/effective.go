package config

import (
	"fmt"

	"github.com/botyard/botyard/sdk/egress"
)

// Effective is the configuration of a tenant's bot: all layers merged and checked. It is not
// changed once it was made, and any number of goroutines may use it. It can be printed; its
// secrets are not.
type Effective struct {
	Tenant string
	// Revision is a digest of the fields below except Plan. References enter it unresolved. It
	// is equal on all hosts that have the same content and the same key.
	Revision string
	Plan     string // key plan; empty for none
	LLM      Block  // kind "llm", key llm
	Memory   Block  // kind "memory", key memory
	Storage  Block  // kind "storage", key conversation_storage
	System   string // prompts.system, with its variables
	Limits   Limits
	// RetentionDays is the key conversation_storage.retention_days: a conversation that has not
	// changed for so many days is deleted. 0 is never. The plugin does not get the key.
	RetentionDays int
	// Owner is the key conversations.owner: OwnerUser or OwnerTenant.
	Owner string

	inputs inputs
}

// These are the values of conversations.owner.
const (
	OwnerUser   = "user"   // the user who began the conversation; the tenant if no user is named
	OwnerTenant = "tenant" // all users of the tenant
)

// Block is the configuration of one plugin.
type Block struct {
	Kind, Plugin string
	// Config is the block without the host's keys in it and without the plugin's own
	// defaults. Each secret is a secret.Text or a [Reference]. [Host.Resolve] returns the
	// block as the plugin gets it.
	Config map[string]any
	// Egress says to which addresses the block's plugin may connect: to all of them, unless the
	// tenant's own layer names an address in the block.
	Egress egress.Policy
}

// HasReferences reports whether the block has a reference. What [Host.Resolve] returns can then
// change without a new revision.
func (b Block) HasReferences() bool {
	found := false
	cursor{}.leaves(nil, b.Config, func(_ Path, value any, _ marks) {
		_, ok := value.(Reference)
		found = found || ok
	})
	return found
}

// String returns the tenant and the revision.
func (e *Effective) String() string {
	return fmt.Sprintf("tenant %s at revision %s", e.Tenant, e.Revision)
}

// block returns the effective block that has the kind of b.
func (e *Effective) block(b block) Block {
	for _, have := range []Block{e.LLM, e.Memory, e.Storage} {
		if have.Kind == b.kind {
			return have
		}
	}
	return Block{}
}
