package archive

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// Version is that of the form of exports.
const Version = 1

const (
	// MaxLine bounds a line of an export, in bytes: a turn of sdk.MaxTurnBytes, of which
	// JSON makes six times as many at worst.
	MaxLine = 128 << 20
	// MaxTurn bounds a turn that is imported, as its Size says: with what is around it, it
	// must be carried. It is more than a host writes today, for what earlier ones did.
	MaxTurn = sdk.MaxMessageBytes - 1<<20
)

// Types of lines.
const (
	TypeExport       = "export"
	TypeTenant       = "tenant"
	TypeConversation = "conversation"
	TypeTurn         = "turn"
	TypeEnd          = "end"
	TypeError        = "error" // says why the export ends before its end
)

// headLine begins an export.
type headLine struct {
	Type      string    `json:"type"`
	Version   int       `json:"version"`
	Tenant    string    `json:"tenant"`
	User      string    `json:"user,omitempty"` // whose part this is; empty for all
	CreatedAt time.Time `json:"created_at"`
}

// tenantLine has the tenant's configuration: the operator's document, and its own if it has
// one. A host of before own settings refuses a line with them.
type tenantLine struct {
	Type       string         `json:"type"`
	Config     map[string]any `json:"config"`
	LeftOut    []string       `json:"left_out"` // paths of what is secret, or may be
	Own        map[string]any `json:"own,omitempty"`
	OwnLeftOut []string       `json:"own_left_out,omitempty"`
}

// conversationLine is followed by the conversation's turns.
type conversationLine struct {
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	User      string    `json:"user,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// Hidden: it is in a storage that the tenant used before, and one of the same id
	// is in a later one. An import leaves it out.
	Hidden bool `json:"hidden,omitempty"`
	// Partial: only the turns of the export's user are here, and others are missing. An
	// import leaves it out.
	Partial bool `json:"partial,omitempty"`
}

// leftOut says whether an import leaves the conversation out.
func (l *conversationLine) leftOut() bool { return l.Hidden || l.Partial }

// turnLine is all of a turn; its messages are in the form of package chat. A turn that was
// emptied has none.
type turnLine struct {
	Type      string          `json:"type"`
	Sequence  int64           `json:"sequence"`
	Number    int64           `json:"number,omitempty"`
	State     string          `json:"state"`
	Reason    string          `json:"reason,omitempty"`
	User      string          `json:"user,omitempty"`
	Key       string          `json:"key,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   time.Time       `json:"ended_at,omitzero"`
	Messages  []chat.Message  `json:"messages"`
	Usage     chat.Usage      `json:"usage"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Record    json.RawMessage `json:"record,omitempty"`
}

// endLine counts the lines of the two types.
type endLine struct {
	Type          string `json:"type"`
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
}

func newTurnLine(t *storage.Turn) *turnLine {
	return &turnLine{
		Type: TypeTurn, Sequence: t.Sequence, Number: t.Number, State: t.State.String(), Reason: t.Reason, User: t.User, Key: t.Key,
		StartedAt: t.StartedAt.UTC(), EndedAt: t.EndedAt.UTC(), Messages: append([]chat.Message{}, t.Messages...), Usage: t.Usage, Metadata: t.Metadata, Record: t.Record,
	}
}

var states = map[string]storage.State{}

func init() {
	for _, s := range []storage.State{storage.Running, storage.Succeeded, storage.Failed, storage.Interrupted} {
		states[s.String()] = s
	}
}

// turn is the inverse of newTurnLine.
func (l *turnLine) turn() storage.Turn {
	return storage.Turn{
		Sequence: l.Sequence, Number: l.Number, State: states[l.State], Reason: l.Reason, User: l.User, Key: l.Key,
		StartedAt: l.StartedAt, EndedAt: l.EndedAt, Messages: l.Messages, Usage: l.Usage, Metadata: l.Metadata, Record: l.Record,
	}
}

// shortenedBytes is how much of its messages a turn keeps that is too large for an export.
const shortenedBytes = 1 << 20

// shortened is a turn with the beginnings of its texts, and nothing else of its messages.
func shortened(t *storage.Turn) *storage.Turn {
	out := *t
	out.Messages = make([]chat.Message, min(len(t.Messages), bounds.TurnMessages))
	for i := range out.Messages {
		m := t.Messages[i]
		text := m.Text()
		begin := strings.ToValidUTF8(text[:min(len(text), shortenedBytes/len(out.Messages))], "")
		out.Messages[i] = chat.Text(m.Role, fmt.Sprintf("%s [cut: the message has %d bytes, and the turn is too large for an export]", begin, m.Size()))
	}
	return &out
}
