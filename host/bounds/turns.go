package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
)

const (
	// MaxOrphans is how many orphan turns one tenant may have on a host. MaxAllOrphans is how many
	// orphan turns all tenants may have.
	MaxOrphans    = 32
	MaxAllOrphans = 1024
	// MaxOrphanBytes is how much memory the orphan turns of one tenant may use. MaxAllOrphanBytes
	// is how much memory the orphan turns of all tenants may use.
	MaxOrphanBytes    = 16 << 20
	MaxAllOrphanBytes = 64 << 20
	// OrphanTimeout is how long the host tries to end an orphan turn.
	OrphanTimeout = 10 * time.Minute
)

const (
	// TailFree is how many bytes of the tail a turn may always send to its model. Bytes beyond
	// TailFree count towards TailsHeld, which all turns share.
	TailFree  = 256 << 10
	TailsHeld = 128 << 20
	// TailsWaitingEach is how many turns of one tenant may wait for a share of TailsHeld, and
	// TailsWaitingAll is how many turns of all tenants may. Each turn waits for at most TailsWait.
	TailsWaitingEach = 64
	TailsWaitingAll  = 512
	TailsWait        = 15 * time.Second

	// ReplyFree is how many bytes a reply may always have. Bytes beyond ReplyFree count towards
	// RepliesHeld, which all turns share.
	ReplyFree   = 64 << 10
	RepliesHeld = 128 << 20
)

const (
	// FollowAtOnce is how many steps of memories that follow conversations a host makes at once. A
	// tenant has one at a time.
	FollowAtOnce = 8
	// FollowConversations is how many conversations one step follows, for one page of turns each.
	FollowConversations = 16
	// FollowSwept is how many tenants the sweep of all tenants queues ahead.
	FollowSwept = 64
)

// turns has the bounds of turns and of the data that the host stores about turns. Package host/bot
// enforces these bounds.
var turns = []Bound{
	{
		Name: "message", What: "The size of the message of a turn.",
		Each: Bytes(sdk.MaxUserMessageBytes), Key: "limits.message_bytes",
		Answer: "422 at message",
	},
	{
		Name: "reply", What: "The size of a turn's reply: text, reasoning and tool calls together.",
		Each: Bytes(sdk.MaxReplyBytes), Key: "limits.reply_bytes",
		Answer: "The reply ends there, with finish_reason length.",
	},
	{
		Name: "reply parts", What: "The parts of a turn's reply: texts, reasoning, tool calls and others.",
		Each: fmt.Sprint(sdk.MaxReplyParts), Answer: "The reply ends there, with finish_reason length.",
	},
	{
		Name: "provider states", What: "What the provider of a reply wants back with its parts, such as signatures of reasoning, together.",
		Each: Bytes(sdk.MaxProviderStateBytes), Answer: "The reply ends before the part whose state is too much, with finish_reason length.",
	},
	{
		Name: "names in a reply", What: "The id and name of a tool call, the kind, type and file name of a medium, the type of another part.",
		Each: Bytes(sdk.MaxNameBytes), Answer: "The turn fails: the plugin is at fault.",
	},
	{
		Name: "tail", What: "The size of the messages that a model is shown of a conversation.",
		Each:   Bytes(sdk.MaxTailBytes),
		Answer: "Older messages are left out, and the turn's record says so.",
	},
	{
		Name: "asked again", What: "How often a turn asks its model anew because the plugin's process ended before the caller was shown anything.",
		Each: "2", Answer: "503, plugin_unavailable",
	},
	{
		Name: "asked again before a fallback", What: "How often a turn asks a model anew whose upstream failed, before it asks the next block of llm.fallback. It waits up to 2 seconds each time.",
		Each: "2", Answer: "The next model is asked.",
	},
	{
		Name: "context", What: "The tokens that a request to a model and its reply have together, as the host estimates them. The smaller of this and of what the plugin says of its model counts.",
		Key: "limits.context_tokens", Answer: "The oldest turns are left out, and the turn's record says so; 422 context_too_long if the new messages alone are too long",
	},
	{
		Name: "asked again with fewer turns", What: "How often a turn asks its model anew with half of the tokens, and the last time with only the new messages, because the provider says that the conversation is too long.",
		Each: "4", Answer: "422, context_too_long",
	},
	{
		Name: "explained parts", What: "The places of replaced parts, and the sources of the items of a memory, that a turn's record has.",
		Each: "64 of each", Answer: "The record only counts the others.",
	},
	{
		Name: "record of a turn", What: "What a turn's record has in JSON.",
		Each: Bytes(sdk.MaxRecordBytes), Answer: "Keys are left out, the words of plugins first, and the record names them in `cut`.",
	},
	{
		Name: "orphan turns", What: "The turns that may be running in a storage though they ended for their caller, since the storage did not answer. They are ended in the background once it does.",
		Each: fmt.Sprintf("%d of a tenant, of %s together", MaxOrphans, Bytes(MaxOrphanBytes)), All: fmt.Sprintf("%d, of %s together", MaxAllOrphans, Bytes(MaxAllOrphanBytes)),
		Answer: "The partial reply of one more is not kept; one that finds no place at all holds its conversation until its lease has run out, 10 seconds.",
	},
	{
		Name: "orphan turn's time", What: "How long it is tried to end one of them.",
		Each: fmt.Sprint(OrphanTimeout), Answer: "It stays as running until somebody goes on with the conversation, which ends it as interrupted.",
	},
	{
		Name: "tails", What: fmt.Sprintf("Bytes of earlier messages that turns at work show to models, of those above %s: the largest is counted until the storage has answered.", Bytes(TailFree)),
		Each: "half of all", All: Bytes(TailsHeld),
		Answer: fmt.Sprintf("The turn waits up to %s, %d of each tenant and %d of all; then it fails with 429 and Retry-After.", TailsWait, TailsWaitingEach, TailsWaitingAll),
	},
	{
		Name: "replies", What: fmt.Sprintf("Bytes of replies that turns at work have heard, of those above %s, until they are kept.", Bytes(ReplyFree)),
		Each: "half of all", All: Bytes(RepliesHeld), Answer: "The turn fails with 429 and Retry-After.",
	},
	{
		Name: "turns taken back at once", What: "The succeeded turns that the `retract_from` of one turn takes back.",
		Each: fmt.Sprint(sdk.MaxRetractTurns), Answer: "The turn is refused with 422 at `retract_from`.",
	},
	{
		Name: "following memories", What: "Steps of memories that follow conversations in the background: 16 conversations, a page of turns each.",
		Each: "1", All: fmt.Sprint(FollowAtOnce), Answer: "Waits behind the steps of the other tenants. Tenants whose last step failed have half of the steps together.",
	},
	{
		Name: "cursor", What: "What a storage keeps of how far a memory has followed a conversation, and of a memory's background work.",
		Each: Bytes(sdk.MaxCursorBytes), Answer: "A memory that returns more has failed.",
	},
}
