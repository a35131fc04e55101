package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/botyard/botyard/host/secret"
)

// revisionFormat is a version number that is part of every revision. It must change if the digest
// gets another form.
const revisionFormat = 1

// limitsInRevision is the form in which limits enter a revision. It has the fields of [Limits]
// with fixed JSON names, and times in nanoseconds. The names do not follow the names of the keys,
// because another name would change the revision of every tenant.
type limitsInRevision struct {
	ConcurrentTurns       int
	TurnsPerMinute        int
	WaitingTurns          int
	MessageBytes          int
	ReplyBytes            int
	ReplyTokens           int
	ContextTokens         int `json:",omitempty"` // left out if 0, so that the revision equals that of hosts without this limit
	TurnTimeout           time.Duration
	FirstTokenTimeout     time.Duration
	TokenTimeout          time.Duration
	ConversationWait      time.Duration
	ConversationWaiters   int
	TenantSetTokenTimeout bool `json:"-"` // left out of the digest, because how a timeout was set does not change the bot
}

// revision returns the digest of the configuration. A literal secret is included as a keyed
// digest, so that without the key a guess of the secret cannot be checked. A reference is
// included together with its Tenant flag, because the same path names another file for a tenant
// than for the host. Secrets and references are marked by keys that no document can contain.
func (e *Effective) revision(sealer *secret.Key) string {
	block := func(b Block) any {
		return b.plainForm(func(t secret.Text) string { return sealer.Digest([]byte(t.Reveal())) })
	}
	// Equal content gives equal JSON, because Marshal sorts the keys of maps and the parsers
	// convert equal numbers to equal values.
	parts := []any{revisionFormat, block(e.LLM), block(e.Memory), block(e.Storage), e.Prompts.System.Digestible(), limitsInRevision(e.Limits)}
	if e.RetentionDays > 0 { // left out if not set, so that the revision equals that of hosts without this key
		parts = append(parts, e.RetentionDays)
	}
	if e.Owner == OwnerTenant {
		parts = append(parts, "conversations.owner "+e.Owner)
	}
	if p := e.Prompts; len(p.Named) > 0 || len(p.Metadata) > 0 || p.Zone != nil {
		named := map[string]any{}
		for name, prompt := range p.Named {
			named[name] = prompt.Digestible()
		}
		parts = append(parts, []any{"prompts", named, p.Metadata, fmt.Sprint(p.Zone)})
	}
	for _, b := range e.Fallback {
		parts = append(parts, "llm.fallback", block(b))
	}
	for _, b := range e.Blocks() {
		if b.Egress.Restricts() { // another egress policy makes another bot
			name := b.Kind
			if b.nesting != nil && len(b.nesting.path) > 0 {
				name = b.Path().String()
			}
			parts = append(parts, "egress "+name+" "+b.Egress.String())
		}
	}
	content, err := json.Marshal(parts)
	if err != nil {
		panic(err) // unreachable: JSON can encode maps, lists and finite scalars
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}
