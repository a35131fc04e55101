package bounds

import "github.com/botyard/botyard/sdk"

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
}
