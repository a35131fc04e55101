package bot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

const (
	// MaxIDBytes is the greatest length of conversation ids, user ids and idempotency keys.
	MaxIDBytes = sdk.MaxIDBytes
	// MaxMetadataBytes is the greatest size of a request's metadata.
	MaxMetadataBytes = sdk.MaxMetadataBytes
)

// Request is one message of a user.
type Request struct {
	ConversationID string
	UserID         string // optional
	Message        string
	Metadata       json.RawMessage // optional JSON object, stored with the turn
	IdempotencyKey string          // optional; a request that repeats the key gets the same turn
}

// check returns nil if a turn can run the request. Otherwise it returns a fault.Invalid with
// the path of the wrong field.
func (r *Request) check(maxMessage int) error {
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
	switch {
	case r.Message == "":
		return fault.New(fault.Invalid, "is empty; expected the user's message").At("message")
	case len(r.Message) > maxMessage:
		return fault.New(fault.Invalid, "has %d bytes; at most %d are accepted", len(r.Message), maxMessage).At("message")
	case !utf8.ValidString(r.Message):
		return fault.New(fault.Invalid, "is not UTF-8").At("message")
	case strings.IndexByte(r.Message, 0) >= 0:
		return fault.New(fault.Invalid, "has a NUL character, which no storage keeps").At("message")
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
	for _, field := range []string{r.ConversationID, r.UserID, r.Message, compact.String()} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(field)))
		h.Write(n[:])
		fmt.Fprint(h, field)
	}
	return h.Sum(nil)
}
