package storage

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// A storage validates each request before it does anything. Validate returns fault.Invalid, with
// the name of the field, for a request that every storage refuses. ValidateText also refuses a text
// that contains NUL or is not UTF-8. Storages whose database or JSON cannot keep those texts call
// ValidateText.

// Validate requires a conversation, a holder, a lease and messages.
func (r *BeginRequest) Validate() error {
	switch {
	case r.Tail < 0:
		return invalid("tail", "a tail cannot be negative")
	case r.TailBytes < 0:
		return invalid("tail_bytes", "a tail cannot be negative")
	case r.Holder == "":
		return invalid("holder", "a turn needs a holder")
	case r.Lease <= 0:
		return invalid("lease", "a lease must be longer than nothing")
	case len(r.Messages) == 0 || len(r.Messages) > sdk.MaxBeginMessages:
		return invalid("messages", "a turn begins with 1 to %d messages", sdk.MaxBeginMessages)
	case r.RetractFrom < 0:
		return invalid("retract_from", "a number cannot be negative")
	case len(r.CursorKey) > sdk.MaxStoreKeyBytes:
		return invalid("cursor_key", "has %d bytes; at most %d are taken", len(r.CursorKey), sdk.MaxStoreKeyBytes)
	}
	return cmp.Or(requireConversation(r.Call), requireUser(r.Call, "owned", r.Owned))
}

// TailBytesOrDefault returns TailBytes, or sdk.MaxTailBytes if TailBytes is 0.
func (r *BeginRequest) TailBytesOrDefault() int { return cmp.Or(r.TailBytes, sdk.MaxTailBytes) }

// ValidateText calls Validate, and checks all texts of the request, also those of the messages. The
// body of a message is not a text.
func (r *BeginRequest) ValidateText() error {
	return cmp.Or(r.Validate(), validCall(r.Call), ValidText("holder", r.Holder), ValidText("key", r.Key),
		ValidText("attempt", r.Attempt), validJSON("metadata", r.Metadata), ValidText("cursor_key", r.CursorKey), validMessages("messages", r.Messages...))
}

// Validate requires a conversation and a state other than Running. A turn that succeeded must have
// a reply.
func (r *CommitRequest) Validate() error {
	switch r.State {
	case Succeeded:
		if len(r.Messages) == 0 {
			return invalid("messages", "a turn that succeeded has a reply")
		}
	case Failed, Interrupted:
	case Running:
		return invalid("state", "a commit ends the turn")
	default:
		return invalid("state", "%d is no state of a turn", r.State)
	}
	return requireConversation(r.Call)
}

// ValidateText calls Validate, and checks all texts of the request, also those of the messages.
func (r *CommitRequest) ValidateText() error {
	return cmp.Or(r.Validate(), validCall(r.Call), ValidText("reason", r.Reason), validJSON("record", r.Record), validJSON("usage", r.Usage),
		validMessages("messages", r.Messages...))
}

// Validate requires a conversation and a valid limit. With Owned, it also requires a user.
func (r *ReadRequest) Validate() error {
	if r.After < 0 {
		return invalid("after", "a sequence cannot be negative")
	}
	return cmp.Or(requireConversation(r.Call), ValidateLimit(r.Limit), requireUser(r.Call, "owned", r.Owned))
}

// ValidateText calls Validate, and checks all texts of the request.
func (r *ReadRequest) ValidateText() error { return cmp.Or(r.Validate(), validCall(r.Call)) }

// Validate requires a tenant and a valid limit. With Wrote, it also requires a user.
func (r *ListRequest) Validate() error {
	return cmp.Or(requireTenant(r.Call), ValidateLimit(r.Limit), requireUser(r.Call, "wrote", r.Wrote))
}

// ValidateText calls Validate, and checks all texts of the request.
func (r *ListRequest) ValidateText() error {
	return cmp.Or(r.Validate(), validCall(r.Call), ValidText("after", r.After))
}

// Validate requires a tenant, and a conversation, a user or Tenant. Without Tenant, a scope never
// means everything of the tenant.
func (s Scope) Validate() error {
	switch {
	case s.Call.Conversation == "" && s.Call.User == "" && !s.Tenant:
		return invalid("tenant", "name a conversation or a user, or say that all of the tenant goes")
	case s.Limit < 0:
		return invalid("limit", "a limit cannot be negative")
	case s.Owned && s.Call.Conversation == "":
		return invalid("owned", "is of a conversation, and the call names none")
	}
	return cmp.Or(requireTenant(s.Call), requireUser(s.Call, "owned", s.Owned))
}

// ValidateText calls Validate, and checks all texts of the scope.
func (s Scope) ValidateText() error { return cmp.Or(s.Validate(), validCall(s.Call)) }

// Validate requires a conversation, and turns that have ended and whose sequences have no gaps. The
// fields of a turn must not contradict each other.
func (r *ImportRequest) Validate() error {
	if err := requireConversation(r.Call); err != nil {
		return err
	}
	number := int64(0)
	for i, t := range r.Turns {
		ended := t.State == Succeeded || t.State == Failed || t.State == Interrupted
		switch {
		case t.Sequence < 1 || i > 0 && t.Sequence != r.Turns[i-1].Sequence+1:
			return invalid("turns", "the turns are not in the order of their sequence, one by one")
		case !ended:
			return invalid("turns", "turn %d has not ended", t.Sequence)
		case (t.State == Succeeded) != (t.Number > 0) || t.Number < 0:
			return invalid("turns", "turn %d has %s and number %d", t.Sequence, t.State, t.Number)
		case t.Number > 0 && number > 0 && t.Number != number+1:
			return invalid("turns", "turn %d has number %d after number %d", t.Sequence, t.Number, number)
		}
		number = max(number, t.Number)
	}
	return nil
}

// ValidateText calls Validate, and checks all texts of the request, also those of the messages.
func (r *ImportRequest) ValidateText() error {
	if err := cmp.Or(r.Validate(), validCall(r.Call)); err != nil {
		return err
	}
	for i, t := range r.Turns {
		at := fmt.Sprintf("turns.%d.", i)
		err := cmp.Or(ValidText(at+"reason", t.Reason), ValidText(at+"user", t.User), ValidText(at+"key", t.Key),
			validJSON(at+"metadata", t.Metadata), validJSON(at+"record", t.Record), validJSON(at+"usage", t.Usage), validMessages(at+"messages", t.Messages...))
		if err != nil {
			return err
		}
	}
	return nil
}

// Validate requires a conversation and a source that is another one.
func (r *BranchRequest) Validate() error {
	switch {
	case r.Source == "":
		return invalid("source", "name the conversation to copy")
	case r.Source == r.Call.Conversation:
		return invalid("source", "is the conversation itself")
	case r.Through < 0:
		return invalid("through", "a number cannot be negative")
	}
	return cmp.Or(requireConversation(r.Call), requireUser(r.Call, "owned", r.Owned))
}

// ValidateText calls Validate, and checks all texts of the request.
func (r *BranchRequest) ValidateText() error {
	return cmp.Or(r.Validate(), validCall(r.Call), ValidText("source", r.Source))
}

// Validate requires a tenant, a store key, a holder, a lease, a valid limit and a kind.
func (r *ClaimRequest) Validate() error {
	switch {
	case r.Holder == "":
		return invalid("holder", "a claim needs a holder")
	case r.Lease <= 0:
		return invalid("lease", "a lease must be longer than nothing")
	case r.Limit < 1 || r.Limit > sdk.MaxClaims:
		return invalid("limit", "a claim takes 1 to %d cursors", sdk.MaxClaims)
	case r.Kind < ClaimAll || r.Kind > ClaimWork:
		return invalid("kind", "%d is no kind of claim", r.Kind)
	}
	return cmp.Or(requireTenant(r.Call), requireStoreKey(r.StoreKey))
}

// ValidateText calls Validate, and checks all texts of the request.
func (r *ClaimRequest) ValidateText() error {
	return cmp.Or(r.Validate(), validCall(r.Call), ValidText("store_key", r.StoreKey), ValidText("holder", r.Holder))
}

// Validate requires a tenant, a store key and a holder. It bounds the data.
func (r *AdvanceRequest) Validate() error {
	switch {
	case r.Holder == "":
		return invalid("holder", "a claim has a holder")
	case r.Lease < 0:
		return invalid("lease", "a lease cannot be negative")
	case r.Sequence < 0:
		return invalid("sequence", "a sequence cannot be negative")
	case len(r.Data) > sdk.MaxCursorBytes:
		return invalid("data", "has %d bytes; at most %d are kept", len(r.Data), sdk.MaxCursorBytes)
	}
	return cmp.Or(requireTenant(r.Call), requireStoreKey(r.StoreKey))
}

// ValidateText calls Validate, and checks all texts of the request.
func (r *AdvanceRequest) ValidateText() error {
	return cmp.Or(r.Validate(), validCall(r.Call), ValidText("store_key", r.StoreKey), ValidText("holder", r.Holder),
		ValidText("incarnation", r.Incarnation), ValidText("user", r.User))
}

func requireStoreKey(key string) error {
	if key == "" || len(key) > sdk.MaxStoreKeyBytes {
		return invalid("store_key", "has %d bytes; expected 1 to %d", len(key), sdk.MaxStoreKeyBytes)
	}
	return nil
}

// Validate requires a tenant, an attempt and a known state. It bounds the size of the document.
func (r *PutTenantRequest) Validate() error {
	switch {
	case r.Tenant == "":
		return invalid("tenant", "name a tenant")
	case r.Attempt == "":
		return invalid("attempt", "a version needs an attempt")
	case r.IfVersion < 0:
		return invalid("if_version", "a version cannot be negative")
	case r.State < TenantActive || r.State > TenantFromFile:
		return invalid("state", "%d is no state of a tenant", r.State)
	case len(r.Document) > sdk.MaxDocumentBytes:
		return invalid("document", "has %d bytes; at most %d are kept", len(r.Document), sdk.MaxDocumentBytes)
	}
	return nil
}

// ValidateText calls Validate, and checks all texts of the request. The document is not a text.
func (r *PutTenantRequest) ValidateText() error {
	return cmp.Or(r.Validate(), ValidText("tenant", r.Tenant), ValidText("attempt", r.Attempt), ValidText("incarnation", r.Incarnation),
		ValidText("note", r.Note))
}

// ValidateLimit requires a limit from 1 to MaxPage.
func ValidateLimit(limit int) error {
	if limit < 1 || limit > MaxPage {
		return invalid("limit", "a page has 1 to %d entries", MaxPage)
	}
	return nil
}

// ValidateIDs requires at most MaxPage tenant ids.
func ValidateIDs(ids []string) error {
	if len(ids) > MaxPage {
		return invalid("tenants", "at most %d tenants are asked for at once", MaxPage)
	}
	return nil
}

// ValidateHistory checks the parameters of TenantHistory. It requires a tenant and a valid limit.
func ValidateHistory(tenant string, before int64, limit int) error {
	switch {
	case tenant == "":
		return invalid("tenant", "name a tenant")
	case before < 0:
		return invalid("before", "a version cannot be negative")
	}
	return ValidateLimit(limit)
}

// ValidateChanges checks the parameters of TenantChanges. It accepts the limit 0.
func ValidateChanges(after int64, limit int) error {
	switch {
	case after < 0:
		return invalid("after", "a position cannot be negative")
	case limit < 0:
		return invalid("limit", "a limit cannot be negative")
	}
	return ValidateLimit(max(limit, 1))
}

// ValidateRenewal checks the parameters of Renew. It requires 1 to MaxRenewal holders and a lease.
func ValidateRenewal(holders []string, lease time.Duration) error {
	switch {
	case len(holders) == 0 || slices.Contains(holders, ""):
		return invalid("holder", "a renewal needs a holder")
	case len(holders) > MaxRenewal:
		return invalid("holders", "at most %d holders are renewed at once", MaxRenewal)
	case lease <= 0:
		return invalid("lease", "a lease must be longer than nothing")
	}
	return nil
}

// ValidateRenewalText calls ValidateRenewal, and checks the texts of the holders.
func ValidateRenewalText(holders []string, lease time.Duration) error {
	err := ValidateRenewal(holders, lease)
	for _, h := range holders {
		err = cmp.Or(err, ValidText("holder", h))
	}
	return err
}

// ValidText returns an error with the name of the field if the text contains NUL or is not UTF-8.
func ValidText(field, text string) error {
	return validText(field, strings.IndexByte(text, 0) < 0, utf8.ValidString(text))
}

func requireConversation(call sdk.Call) error {
	if call.Conversation == "" {
		return invalid("conversation", "the call names no conversation")
	}
	return requireTenant(call)
}

func requireTenant(call sdk.Call) error {
	if call.Tenant == "" {
		return invalid("tenant", "the call names no tenant")
	}
	return nil
}

// requireUser returns an error if asked is true and the call has no user. field is the name of the
// request's field that needs the user.
func requireUser(call sdk.Call, field string, asked bool) error {
	if asked && call.User == "" {
		return invalid(field, "is of a user, and the call names none")
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return fault.New(fault.Invalid, format, args...).At(fault.Keys(field)...)
}

func validJSON(field string, raw []byte) error {
	return validText(field, bytes.IndexByte(raw, 0) < 0, utf8.Valid(raw))
}

func validText(field string, noNUL, isUTF8 bool) error {
	switch {
	case !noNUL:
		return invalid(field, "has the character NUL in it, which this storage cannot keep")
	case !isUTF8:
		return invalid(field, "is not UTF-8")
	}
	return nil
}

func validCall(call sdk.Call) error {
	return cmp.Or(ValidText("tenant", call.Tenant), ValidText("incarnation", call.Incarnation),
		ValidText("conversation", call.Conversation), ValidText("user", call.User))
}

func validMessages(field string, messages ...Message) error {
	for _, m := range messages {
		if err := ValidText(field+".text", m.Text); err != nil {
			return err
		}
	}
	return nil
}
