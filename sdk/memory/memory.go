package memory

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
)

// Kind is the name of this kind of plugin in file names and configurations.
const Kind = "memory"

// Memory chooses the messages that the model sees. A Memory is one configured instance. The host
// calls it concurrently, for any number of tenants and conversations. What it keeps belongs to the
// tenant and its incarnation, and within them to incarnations of conversations, which the calls
// name. If it implements io.Closer, Close is called once, after the last call has returned.
type Memory interface {
	// Needs returns the same value at every call. The host leaves out the calls that the instance
	// does not need.
	Needs() Needs
	// Recall returns the messages that the model sees before the new messages. If Needs().Recall is
	// false, the host does not call Recall, and the model sees the tail.
	Recall(ctx context.Context, req *RecallRequest) (*Recalled, error)
}

// Needs says what an instance needs from the host.
type Needs struct {
	Tail     int  // how many of the newest messages of the conversation, from 0 to MaxTail
	Recall   bool // the host calls Recall in each turn
	Remember bool // the host calls Remember after each turn; the instance must be a Rememberer and a Forgetter
	// StoreKey names what the instance keeps. It is equal for configurations that keep the same. The
	// cursors of Remember and Work belong to it. It is opaque to the host, has no secrets, and has at
	// most sdk.MaxStoreKeyBytes. If it is empty, the host takes the name of the plugin.
	StoreKey string
}

// MaxTail bounds Needs.Tail.
const MaxTail = 10000

// Rememberer is the interface of a memory that learns from past turns.
type Rememberer interface {
	// Remember gets what happened in a conversation, in order, and returns up to which sequence all
	// is kept for good. The host goes on behind it. The host calls Remember in the background after
	// the reply, for one conversation on one host at a time, and may pass an event more than once.
	// What is kept of an event must then be kept once.
	Remember(ctx context.Context, req *RememberRequest) (sequence int64, err error)
}

// Forgetter is the interface of a memory that stores data which must be deleted with a
// conversation, a user or a tenant.
type Forgetter interface {
	// Forget deletes what is kept of the call's conversation incarnation. If the call has a user too,
	// Forget deletes what is kept of the user's turns in it. If the call has no conversation, Forget
	// deletes the data of the whole tenant. Forget may be called again for the same data. The host
	// repeats it until it succeeds, and no deletion is done before.
	Forget(ctx context.Context, call sdk.Call) error
}

// Worker is the interface of a memory with work to do in the background, such as to build summaries
// anew. It has the feature feature.Work.
type Worker interface {
	// Work does a part of the work for the call's tenant, and returns within the deadline of ctx. The
	// host calls it again with the returned cursor, at once if more is true. cursor is nil the first
	// time. A cursor has at most sdk.MaxCursorBytes. For a tenant and a store key, only one host calls
	// Work at a time.
	Work(ctx context.Context, call sdk.Call, cursor []byte) (next []byte, more bool, err error)
}

// RecallRequest asks for the messages that the model sees before new messages.
type RecallRequest struct {
	Call sdk.Call
	// Tail has the newest turns of the conversation, oldest first, with at most Needs.Tail messages.
	// The oldest turn may lack its first messages.
	Tail     []Turn
	Messages []chat.Message // the new messages
	// BudgetTokens is about how many tokens the recalled messages may have together; 0 if no bound
	// is known.
	BudgetTokens int64
	// Retractions were not passed to Remember yet. Nothing of the turns that they name may be
	// recalled.
	Retractions []Retraction
}

// Messages returns the messages of the turns, in order.
func Messages(turns []Turn) []chat.Message {
	n := 0
	for i := range turns {
		n += len(turns[i].Messages)
	}
	if n == 0 {
		return nil
	}
	all := make([]chat.Message, 0, n)
	for i := range turns {
		all = append(all, turns[i].Messages...)
	}
	return all
}

// Recalled is the result of Recall.
type Recalled struct {
	Items []Item // in the order in which the model sees them
	// Problems are sentences for the operator about what went wrong although the items could be
	// chosen: at most MaxProblems, of at most MaxProblemBytes each.
	Problems []string
}

// MaxProblems and MaxProblemBytes bound Recalled.Problems. The SDK and the host cut what is beyond.
const (
	MaxProblems     = 16
	MaxProblemBytes = 1 << 10
)

// Item is a recalled message and where it comes from. At most one source is set.
type Item struct {
	Message chat.Message
	Turn    *TurnSource
	Summary *SummarySource
	Fact    *FactSource
	Score   float64 // greater is better, within one result; 0 if the item was not ranked
}

// TurnSource names the turn of which an item is a part. Conversation and Incarnation are empty for
// the call's conversation.
type TurnSource struct {
	Conversation, Incarnation string
	Sequence, Number          int64
}

// SummarySource says which turns of the call's conversation an item sums up, by their numbers.
type SummarySource struct{ From, To int64 }

// FactSource describes something that the memory has learned.
type FactSource struct {
	Kind string // in the memory's own words
}

// RememberRequest has what happened in the call's conversation after a sequence. Call.User is the
// owner of the conversation.
type RememberRequest struct {
	Call   sdk.Call
	Events []Event // in order
	After  int64   // the sequence up to which the conversation was remembered before
}

// Event is a succeeded turn, or a retraction. Exactly one of both is set.
type Event struct {
	Turn       *Turn
	Retraction *Retraction
}

// Sequence returns the sequence of the turn, or of the turn that retracts.
func (e Event) Sequence() int64 {
	if e.Turn != nil {
		return e.Turn.Sequence
	}
	return e.Retraction.Sequence
}

// Turn is a succeeded turn. It begins with what the caller sent.
type Turn struct {
	Sequence           int64 // position among all turns of the conversation, from 1
	Number             int64 // position among the succeeded turns, from 1
	User               string
	StartedAt, EndedAt time.Time
	Messages           []chat.Message
}

// Retraction says that the turns with the numbers From to To count no more.
type Retraction struct {
	Sequence int64 // of the turn that retracts them
	From, To int64
}
