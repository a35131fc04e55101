// Package bot runs turns. A Bot is what is assembled for one tenant at one
// configuration revision; it keeps nothing of any conversation. A turn is
//
//	Begin    storage: store the user's message, take the conversation, read the tail
//	Recall   memory: which messages the model should see; left out where needless
//	compose  system prompt, recalled messages, new message
//	Chat     llm: one stream, relayed
//	Commit   storage: the turn joins the log, and the conversation is free
package bot
