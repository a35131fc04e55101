// Package buffer is the memory plugin "buffer". A model sees the newest max_messages of the
// conversation, oldest first, and nothing else.
//
// A buffer keeps nothing and is never called. When it is configured, it says that it needs so
// many of the newest messages, and no recall. The host then shows these messages as the storage
// has them. Older messages stay in the storage.
//
// A window with an odd number of messages can begin with a reply whose question is not in it.
//
// # Files
//
//	plugin.go  name and version
//	config.go  Config: max_messages
//	buffer.go  Buffer
package buffer
