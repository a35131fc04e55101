// Package chat has the types that every kind of plugin and the host share: messages with typed
// parts, and token usage. Their JSON form is stable, so that storages may store messages as JSON.
//
// # Files
//
//	message.go      Message, Part and its kinds, Role
//	usage.go        Usage
//	size.go         how many bytes a message takes; the newest messages that fit
//	texts.go        the texts of a part
//	clean.go        texts without NUL and without bytes that are not UTF-8
//	legacy_json.go  parts in the JSON form of earlier versions
package chat
