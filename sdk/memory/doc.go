// Package memory is the kind of plugin that chooses which messages of a conversation a model is
// shown. The storage keeps the conversation itself.
//
// # Files
//
//	memory.go          the interfaces Memory, Rememberer and Forgetter, with their requests
//	plugin.go          NewPlugin, which makes a plugin of a constructor
//	server_adapter.go  the plugin's side of the protocol
//	client_adapter.go  Client, the host's side of the protocol
package memory
