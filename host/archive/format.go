package archive

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// Version is the version of the export format. An import reads this version only.
const Version = 1

const (
	// MaxLine bounds a line of an export, in bytes. The largest turn that a host writes has
	// sdk.MaxTurnBytes; JSON escapes can make its line six times as long.
	MaxLine = 128 << 20
	// MaxTurn bounds an imported turn, in bytes of [storage.Turn.Size]. A turn and its call
	// must fit into one message of the plugin protocol. MaxTurn is above sdk.MaxTurnBytes,
	// because hosts of earlier versions wrote larger turns than a host writes now.
	MaxTurn = sdk.MaxMessageBytes - 1<<20
)

// These constants are the values of "type" in the lines of an export.
const (
	TypeExport       = "export"
	TypeTenant       = "tenant"
	TypeConversation = "conversation"
	TypeTurn         = "turn"
	TypeEnd          = "end"
	TypeError        = "error" // the type of the line that says why the export stops before its end
)

// exportLine is the first line of an export.
type exportLine struct {
	Type      string    `json:"type"`
	Version   int       `json:"version"`
	Tenant    string    `json:"tenant"`
	User      string    `json:"user,omitempty"` // the user whose data is exported; empty for the whole tenant
	CreatedAt time.Time `json:"created_at"`
}

// tenantLine holds the tenant's configuration: the operator's document, and the tenant's own
// document if the tenant has one. A host of a version without own documents refuses a line with
// an own document.
type tenantLine struct {
	Type   string         `json:"type"`
	Config map[string]any `json:"config"`
	// the paths of keys that are left out because they are or may be secret
	LeftOut    []string       `json:"left_out"`
	Own        map[string]any `json:"own,omitempty"`
	OwnLeftOut []string       `json:"own_left_out,omitempty"`
}

// receivedTenantLine is the form of tenantLine that an import reads. The import decodes the
// documents only if it registers the tenant.
type receivedTenantLine struct {
	Type       string          `json:"type"`
	Config     json.RawMessage `json:"config"`
	LeftOut    []string        `json:"left_out"`
	Own        json.RawMessage `json:"own"`
	OwnLeftOut []string        `json:"own_left_out"`
}

// conversationLine is the first line of a conversation. The lines of its turns follow it.
type conversationLine struct {
	Type      string    `json:"type"`
	ID        string    `json:"id"`
	User      string    `json:"user,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	// Hidden marks a conversation of an earlier storage of the tenant if a later storage of the
	// tenant has a conversation of the same id.
	Hidden bool `json:"hidden,omitempty"`
	// Partial marks a conversation of which only the turns of one user are exported.
	Partial bool `json:"partial,omitempty"`
}

// skipped reports whether an import reads the conversation without storing it.
func (l *conversationLine) skipped() bool { return l.Hidden || l.Partial }

// messageLine holds a message in the JSON form of package chat.
type messageLine struct {
	chat.Message
	// Body is what the storage has of the message. It is set only if the host would encode the
	// other fields as other bytes, for example because a later version of the host wrote the
	// message. An import then reads only Body.
	Body []byte `json:"body,omitempty"`
}

// newMessageLine returns the line's form of a stored message. A body that no host has written
// has nothing but Body.
func newMessageLine(m storage.Message) messageLine {
	decoded, err := m.Decode()
	if err != nil || !bytes.Equal(storage.EncodeMessage(decoded).Body, m.Body) {
		return messageLine{Message: decoded, Body: m.Body}
	}
	return messageLine{Message: decoded}
}

// decodeBody sets the fields of the message from Body, if there is one.
func (l *messageLine) decodeBody() (err error) {
	if l.Body != nil {
		l.Message, err = storage.Message{Body: l.Body}.Decode()
	}
	return err
}

// stored returns the message as a storage gets it. newMessageLine does the reverse.
func (l *messageLine) stored() storage.Message {
	m := storage.EncodeMessage(l.Message)
	if l.Body != nil {
		m.Body = l.Body
	}
	return m
}

// turnLine holds a whole turn. A turn whose contents were erased has an empty list of messages.
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
	Messages  []messageLine   `json:"messages"`
	Usage     json.RawMessage `json:"usage,omitempty"`
	Metadata  json.RawMessage `json:"metadata,omitempty"`
	Record    json.RawMessage `json:"record,omitempty"`
	// RetractFrom and Retracted are those of storage.Turn.
	RetractFrom int64 `json:"retract_from,omitempty"`
	Retracted   bool  `json:"retracted,omitempty"`
}

// endLine is the last line of a complete export. It counts the lines of conversations and of
// turns.
type endLine struct {
	Type          string `json:"type"`
	Conversations int64  `json:"conversations"`
	Turns         int64  `json:"turns"`
}

func newTurnLine(t *storage.Turn) *turnLine {
	messages := make([]messageLine, len(t.Messages))
	for i, m := range t.Messages {
		messages[i] = newMessageLine(m)
	}
	return &turnLine{
		Type: TypeTurn, Sequence: t.Sequence, Number: t.Number, State: t.State.String(), Reason: t.Reason, User: t.User, Key: t.Key,
		StartedAt: t.StartedAt.UTC(), EndedAt: t.EndedAt.UTC(), Messages: messages, Usage: t.Usage, Metadata: t.Metadata, Record: bot.FitRecord(t.Record),
		RetractFrom: t.RetractFrom, Retracted: t.Retracted,
	}
}

// turn returns the turn of the line; newTurnLine does the reverse. An unknown name of a state
// becomes the zero state, so a caller first calls validate, which refuses unknown names.
func (l *turnLine) turn() storage.Turn {
	t := storage.Turn{
		Sequence: l.Sequence, Number: l.Number, State: states[l.State], Reason: l.Reason, User: l.User, Key: l.Key,
		StartedAt: l.StartedAt, EndedAt: l.EndedAt, Usage: storedUsage(l.Usage), Metadata: l.Metadata, Record: l.Record,
		RetractFrom: l.RetractFrom, Retracted: l.Retracted,
	}
	for i := range l.Messages {
		t.Messages = append(t.Messages, l.Messages[i].stored())
	}
	size := t.Size()
	for i := range t.Messages {
		size += len(t.Messages[i].Text)
	}
	if size > MaxTurn {
		// A host of an earlier version wrote the turn. It fits into a call only without the
		// texts beside the bodies.
		for i := range t.Messages {
			t.Messages[i].Text = ""
		}
	}
	return t
}

// storedUsage returns the usage as a storage has it. Exports of earlier versions have counts of 0
// for a turn without usage.
func storedUsage(raw json.RawMessage) json.RawMessage {
	var counts map[string]any
	if json.Unmarshal(raw, &counts) != nil {
		return raw
	}
	for _, n := range counts {
		if n != 0.0 {
			return raw
		}
	}
	return nil
}

// states maps the name of a turn's state in an export to the state.
var states = map[string]storage.State{}

func init() {
	for _, s := range []storage.State{storage.Running, storage.Succeeded, storage.Failed, storage.Interrupted} {
		states[s.String()] = s
	}
}
