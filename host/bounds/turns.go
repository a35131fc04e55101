package bounds

import (
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
)

const (
	// MaxOrphans bounds the orphan turns of one tenant on a host, and MaxAllOrphans those
	// of all.
	MaxOrphans    = 32
	MaxAllOrphans = 1024
	// MaxOrphanBytes bounds what those of one tenant hold in memory, and
	// MaxAllOrphanBytes those of all.
	MaxOrphanBytes    = 16 << 20
	MaxAllOrphanBytes = 64 << 20
	// OrphanTimeout is how long it is tried to end one.
	OrphanTimeout = 10 * time.Minute
)

// turns are the bounds of turns and of what is kept of them, by host/bot.
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
		Name: "tail", What: "The size of the messages that a model is shown of a conversation.",
		Each:   Bytes(sdk.MaxTailBytes),
		Answer: "Older messages are left out, and the turn's record says so.",
	},
	{
		Name: "asked again", What: "How often a turn asks its model anew because the plugin's process ended before the caller was shown anything.",
		Each: "2", Answer: "503, plugin_unavailable",
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
}
