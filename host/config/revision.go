package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/secret"
)

// revisionFormat changes when what enters a revision does.
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

// revision digests the configuration. Literal secrets enter as keyed digests, so
// that nobody can try guesses against a revision. A reference enters with its
// reach: the same text means another file to the tenant than to the host. Keys
// that no document can have mark both.
func (e *Effective) revision(sealer *secret.Key) string {
	block := func(b Block) any {
		return b.plainForm(func(t secret.Text) string { return sealer.Digest([]byte(t.Reveal())) })
	}
	// Marshal sorts the keys of maps; that is all that canonical takes here,
	// since the parsers give one form of each number.
	parts := []any{revisionFormat, block(e.LLM), block(e.Memory), block(e.Storage), e.System, limitsInRevision(e.Limits)}
	if e.RetentionDays > 0 { // younger than the format: without it nothing is added
		parts = append(parts, e.RetentionDays)
	}
	if e.Owner == OwnerTenant {
		parts = append(parts, "conversations.owner "+e.Owner)
	}
	for _, b := range []Block{e.LLM, e.Memory, e.Storage} {
		if b.Egress.Restricts() { // another rule makes another bot
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
