package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/secret"
)

// revisionFormat changes when the form of what enters a revision changes.
const revisionFormat = 1

// limitsInRevision is the form of limits in a revision: the names of the fields and times in
// nanoseconds. The fields are those of [Limits]. Their names stay when the keys change:
// another form would make another revision of each tenant.
type limitsInRevision struct {
	ConcurrentTurns       int
	TurnsPerMinute        int
	WaitingTurns          int
	MessageBytes          int
	ReplyBytes            int
	ReplyTokens           int
	TurnTimeout           time.Duration
	FirstTokenTimeout     time.Duration
	TokenTimeout          time.Duration
	ConversationWait      time.Duration
	ConversationWaiters   int
	TenantSetTokenTimeout bool `json:"-"` // how the values came about makes no other bot
}

// revision returns the digest of the configuration. A literal secret enters it as a keyed digest,
// so that nobody can try guesses against a revision. A reference enters it with its reach: the
// same text means another file for the tenant than for the host. Both are marked by keys that no
// document can have.
func (e *Effective) revision(sealer *secret.Key) string {
	block := func(b Block) any {
		return b.plainForm(func(t secret.Text) string { return sealer.Digest([]byte(t.Reveal())) })
	}
	// Equal content gives equal JSON: Marshal sorts the keys of maps, and the parsers give each
	// number one form.
	parts := []any{revisionFormat, block(e.LLM), block(e.Memory), block(e.Storage), e.System, limitsInRevision(e.Limits)}
	if e.RetentionDays > 0 { // added later than the format, so that it enters only where it is set
		parts = append(parts, e.RetentionDays)
	}
	if e.Owner == OwnerTenant {
		parts = append(parts, "conversations.owner "+e.Owner)
	}
	for _, b := range []Block{e.LLM, e.Memory, e.Storage} {
		if b.Egress.Restricts() { // with another rule it is another bot
			parts = append(parts, "egress "+b.Kind+" "+b.Egress.String())
		}
	}
	content, err := json.Marshal(parts)
	if err != nil {
		panic(err) // unreachable: maps, lists and finite scalars
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}
