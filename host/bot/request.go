package bot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

const (
	// MaxIDBytes is the greatest length of conversation ids, user ids and idempotency keys.
	MaxIDBytes = sdk.MaxIDBytes
	// MaxMetadataBytes is the greatest size of a request's metadata.
	MaxMetadataBytes = sdk.MaxMetadataBytes
)

// Request is what a caller sends to begin a turn. Either Message or Messages is set.
type Request struct {
	ConversationID string
	UserID         string // optional
	Message        string // the text of the user's only message
	// Messages are results of tools that the client runs, one in each message of the role tool, and
	// after them messages of the user. Their parts are texts and media.
	Messages       []chat.Message
	Metadata       json.RawMessage // optional JSON object, stored with the turn
	IdempotencyKey string          // optional; a request that repeats the key gets the same turn
	// Tools are tools that the client runs. If the model calls some, the turn succeeds with the calls
	// in its reply, and the next turn begins with their results.
	Tools      []llm.Tool
	ToolChoice llm.ToolChoice
	// RetractFrom, if it is not 0, retracts the succeeded turns with this number or a greater one
	// when the turn begins. They stay retracted if the turn fails.
	RetractFrom int64
	// Prompt is the name of the tenant's prompt that the model gets in place of the system prompt.
	Prompt string // optional
}

// Size returns about how many bytes the request holds in memory until its turn ends.
func (r *Request) Size() int {
	n := len(r.Message) + len(r.Metadata) + chat.Size(r.Messages)
	for _, t := range r.Tools {
		n += len(t.Name) + len(t.Description) + len(t.Parameters)
	}
	return n
}

// check returns nil if a turn can run the request. Otherwise it returns a fault.Invalid with
// the path of the wrong field. maxText bounds the texts of all messages together.
func (r *Request) check(maxText int) error {
	if err := CheckID("conversation_id", r.ConversationID); err != nil {
		return err
	}
	// The conversation's id is a step of the path in the URLs that read and delete the
	// conversation.
	if r.ConversationID == "." || r.ConversationID == ".." {
		return fault.New(fault.Invalid, "is %q, which a path of a URL cannot have: browsers and proxies read it as a step in it; expected another id", r.ConversationID).At("conversation_id")
	}
	if r.UserID != "" {
		if err := CheckID("user_id", r.UserID); err != nil {
			return err
		}
	}
	if r.IdempotencyKey != "" {
		if err := CheckID("Idempotency-Key", r.IdempotencyKey); err != nil {
			return err
		}
	}
	if err := r.checkMessages(maxText); err != nil {
		return err
	}
	if err := r.checkTools(); err != nil {
		return err
	}
	if r.RetractFrom < 0 {
		return fault.New(fault.Invalid, "is %d; expected the number of a turn, from 1", r.RetractFrom).At("retract_from")
	}
	if len(r.Metadata) > 0 {
		if len(r.Metadata) > MaxMetadataBytes {
			return fault.New(fault.Invalid, "has %d bytes; at most %d are accepted", len(r.Metadata), MaxMetadataBytes).At("metadata")
		}
		if !utf8.Valid(r.Metadata) {
			return fault.New(fault.Invalid, "is not UTF-8").At("metadata")
		}
		var object map[string]json.RawMessage
		if err := json.Unmarshal(r.Metadata, &object); err != nil || object == nil {
			return fault.New(fault.Invalid, "is not a JSON object").At("metadata")
		}
	}
	return nil
}

// CheckID returns nil if a caller may use the id. Otherwise it returns a fault.Invalid with
// field as its path.
func CheckID(field, id string) error {
	switch {
	case id == "":
		return fault.New(fault.Invalid, "is empty; expected 1 to %d bytes", MaxIDBytes).At(field)
	case len(id) > MaxIDBytes:
		return fault.New(fault.Invalid, "has %d bytes; expected 1 to %d", len(id), MaxIDBytes).At(field)
	case !utf8.ValidString(id):
		return fault.New(fault.Invalid, "is not UTF-8").At(field)
	case strings.ContainsFunc(id, unicode.IsControl):
		return fault.New(fault.Invalid, "has control characters").At(field)
	}
	return nil
}

// digest returns a hash of all fields in which two requests with the same idempotency key must
// be equal.
func (r *Request) digest() []byte {
	var compact bytes.Buffer
	if len(r.Metadata) > 0 {
		_ = json.Compact(&compact, r.Metadata) // cannot fail, because check has parsed the metadata
	}
	h := sha256.New()
	add := func(field string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(field)))
		h.Write(n[:])
		_, _ = io.WriteString(h, field)
	}
	for _, field := range []string{r.ConversationID, r.UserID, r.Message, compact.String()} {
		add(field)
	}
	if len(r.Messages)+len(r.Tools) == 0 && r.RetractFrom == 0 && r.ToolChoice == (llm.ToolChoice{}) && r.Prompt == "" {
		return h.Sum(nil) // the digest of hosts that do not know the other fields
	}
	add(strconv.FormatInt(r.RetractFrom, 10))
	add(strconv.Itoa(len(r.Messages)))
	for _, m := range storage.EncodeMessages(r.Messages...) {
		add(string(m.Body))
	}
	for _, t := range r.Tools {
		add(t.Name)
		add(t.Description)
		add(string(t.Parameters))
		add(strconv.Itoa(int(t.Arguments)))
	}
	add(strconv.Itoa(int(r.ToolChoice.Mode)))
	add(r.ToolChoice.Name)
	if r.Prompt != "" { // left out if empty, so that the digest is that of hosts that do not know it
		add(r.Prompt)
	}
	return h.Sum(nil)
}
