// Package chat has the types that every kind of plugin and the host share: messages with typed
// parts, and token usage. Their JSON form is stable, so that storages may store messages as JSON.
//
// # Files
//
//	message.go  Message, Part, Role and Usage
//	size.go     how many bytes a message takes; the newest messages that fit
//	clean.go    texts without NUL and without bytes that are not UTF-8
package chat
