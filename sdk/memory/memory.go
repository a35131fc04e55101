package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Kind is the name of this kind of plugin in file names and configurations.
const Kind = "memory"

// Memory chooses context. One value is one configured instance; it is called
// concurrently, for any number of tenants and conversations, and keeps nothing of
// a conversation in itself. If it implements io.Closer, Close is called once,
// after its last call ended.
type Memory interface {
	// Needs is constant for an instance. It lets the host leave out calls.
	Needs() Needs
	// Recall answers the messages that the model should see before req.Message, oldest
	// first. It is not called when Needs().Recall is false: then the tail is the answer.
	Recall(ctx context.Context, req *RecallRequest) ([]chat.Message, error)
}

// Needs says what an instance must be given.
type Needs struct {
	Tail     int  // newest messages of the conversation, 0 to MaxTail
	Recall   bool // Recall is called each turn
	Remember bool // Remember follows the log; the instance must be a Rememberer
}

// MaxTail bounds Needs.Tail.
const MaxTail = 10000

// Rememberer is implemented by memories that keep something of past turns.
type Rememberer interface {
	// Remember is given succeeded turns in order, each at least once, off the reply's
	// path.
	Remember(ctx context.Context, call sdk.Call, turns []Turn) error
}

// Forgetter is implemented by memories that keep something which deletion must
// reach.
type Forgetter interface {
	// Forget drops what is kept for the call's conversation, or of what the call's user
	// wrote in whatever conversation, or the whole tenant when both are empty. It is
	// idempotent.
	Forget(ctx context.Context, call sdk.Call) error
}

// RecallRequest is one question for context.
type RecallRequest struct {
	Call    sdk.Call
	Tail    []chat.Message // oldest first; at most Needs.Tail
	Message chat.Message   // the new message
}

// Turn is a succeeded turn: the user's message first.
type Turn struct {
	Number   int64 // from 1
	Messages []chat.Message
}

// ValidateTurns refuses more than is remembered in one call, sdk.MaxRememberBytes, with
// fault.Invalid: the caller makes several of it. A host does so before it calls a plugin.
func ValidateTurns(turns []Turn) error {
	size := 0
	for _, t := range turns {
		size += chat.Size(t.Messages) + turnOverhead
	}
	if size > sdk.MaxRememberBytes {
		return fault.New(fault.Invalid, "have %d bytes; at most %d are remembered at once", size, sdk.MaxRememberBytes).At("turns")
	}
	return nil
}

// turnOverhead is what a turn takes beside its messages: many empty ones are large too.
const turnOverhead = 64
