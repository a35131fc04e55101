// Package buffer is the memory plugin "buffer": a model sees the newest
// max_messages of the conversation, oldest first, and nothing else.
//
// A buffer keeps nothing and is never called: it says, as it is configured, that it
// needs so many of the newest messages and no recall, and the host shows the
// storage's tail as it is. What was said before is still in the storage's log.
//
// A window that holds an odd number of messages can begin with a reply whose
// question is no longer in it.
package buffer
