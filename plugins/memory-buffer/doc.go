// Package buffer is the memory plugin "buffer". A model sees the newest max_messages of the
// conversation, oldest first, and nothing else.
//
// A buffer has no state. When the host configures an instance, the instance declares how many of
// the newest messages it needs, and that it needs no recall. In a turn the host therefore does not
// call the plugin. It sends the model the newest messages as the storage returns them. Older
// messages stay in the storage.
//
// If max_messages is odd, the first message that the model sees can be a reply without the user's
// message before it.
//
// # Files
//
//	plugin.go  name and version
//	config.go  Config: max_messages
//	buffer.go  Buffer
package buffer
