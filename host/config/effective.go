package config

import (
	"fmt"

	"github.com/botyard/botyard/sdk/egress"
)

// Effective is what a tenant's bot is made of: the merge of all layers, checked.
// It is not to be changed, may be used by any number of goroutines, and can be
// printed: its secrets cannot.
type Effective struct {
	Tenant string
	// Revision is a digest of all that follows, with references unresolved. It is
	// equal wherever the content is equal and the host's key is the same.
	Revision string
	Plan     string // key plan; empty for none. It is not in the revision
	LLM      Block  // kind "llm", key llm
	Memory   Block  // kind "memory", key memory
	Storage  Block  // kind "storage", key conversation_storage
	System   string // prompts.system, with its variables
	Limits   Limits
	// RetentionDays (key conversation_storage.retention_days) is after how many days
	// without a change a conversation is deleted; 0 is never. The plugin is not told.
	RetentionDays int
	// Owner (key conversations.owner) is whose a conversation is: OwnerUser or OwnerTenant.
	Owner string

	inputs inputs
}

// Values of conversations.owner.
const (
	OwnerUser   = "user"   // the user's with whom it was begun, or else the tenant's
	OwnerTenant = "tenant" // all users share it
)

// Block configures one plugin.
type Block struct {
	Kind, Plugin string
	// Config is the block without the host's keys in it and without the plugin's own
	// defaults. Secrets are a secret.Text or a [Reference]; [Host.Resolve] gives
	// the block as the plugin gets it.
	Config map[string]any
	// Egress is where the block's connections may lead: everywhere, unless the tenant's own
	// layer names an address in it.
	Egress egress.Policy
}

// HasReferences says whether the block has a secret that is elsewhere, so that
// what [Host.Resolve] gives can change without a new revision.
func (b Block) HasReferences() bool {
	found := false
	cursor{}.leaves(nil, b.Config, func(_ Path, value any, _ marks) {
		_, ok := value.(Reference)
		found = found || ok
	})
	return found
}

// String names the tenant and the revision.
func (e *Effective) String() string {
	return fmt.Sprintf("tenant %s at revision %s", e.Tenant, e.Revision)
}

// block gives the effective block of a kind.
func (e *Effective) block(b block) Block {
	for _, have := range []Block{e.LLM, e.Memory, e.Storage} {
		if have.Kind == b.kind {
			return have
		}
	}
	return Block{}
}
