package memory

import (
	"context"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
)

// Kind is the name of this kind of plugin in file names and configurations.
const Kind = "memory"

// Memory chooses the messages that the model sees. A Memory is one configured instance. The host
// calls it concurrently, for any number of tenants and conversations. A Memory stores nothing of a
// conversation in its process. If it implements io.Closer, Close is called once, after the last
// call has returned.
type Memory interface {
	// Needs returns the same value at every call. The host leaves out the calls that the instance
	// does not need.
	Needs() Needs
	// Recall returns the messages that the model sees before req.Message, oldest first. If
	// Needs().Recall is false, the host does not call Recall, and the model sees the tail.
	Recall(ctx context.Context, req *RecallRequest) ([]chat.Message, error)
}

// Needs says what an instance needs from the host.
type Needs struct {
	Tail     int  // how many of the newest messages of the conversation, from 0 to MaxTail
	Recall   bool // the host calls Recall in each turn
	Remember bool // the host calls Remember after each turn; the instance must be a Rememberer
}

// MaxTail bounds Needs.Tail.
const MaxTail = 10000

// Rememberer is the interface of a memory that learns from past turns.
type Rememberer interface {
	// Remember gets the succeeded turns of a conversation in order. The host calls it in the
	// background after the reply, and may pass a turn more than once.
	Remember(ctx context.Context, call sdk.Call, turns []Turn) error
}

// Forgetter is the interface of a memory that stores data which must be deleted with a
// conversation, a user or a tenant.
type Forgetter interface {
	// Forget deletes the data of the call's conversation. If the call has a user instead, Forget
	// deletes the data of what the user wrote in all conversations. If the call has neither, Forget
	// deletes the data of the whole tenant. Forget may be called again for the same data.
	Forget(ctx context.Context, call sdk.Call) error
}

// RecallRequest asks for the messages that the model sees before a new message.
type RecallRequest struct {
	Call    sdk.Call
	Tail    []chat.Message // oldest first; at most Needs.Tail messages
	Message chat.Message   // the new message
}

// Turn is a succeeded turn. Its first message is the user's.
type Turn struct {
	Number   int64 // the first turn has number 1
	Messages []chat.Message
}

// ValidateTurns returns fault.Invalid if the turns have more than sdk.MaxRememberBytes bytes. The
// caller then splits the turns. A host calls ValidateTurns before it calls a plugin.
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

// turnOverhead is the number of bytes that each turn counts in addition to its messages, so that
// many empty turns are bounded too.
const turnOverhead = 64
