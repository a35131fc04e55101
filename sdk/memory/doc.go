// Package memory defines the kind of plugin that chooses which messages of a conversation the model
// sees. The conversation itself is stored by a storage plugin.
//
// # Files
//
//	memory.go          the interfaces Memory, Rememberer, Forgetter and Worker, with their requests
//	validate.go        what the host checks before it calls Remember
//	plugin.go          NewPlugin, which builds a plugin from a constructor
//	server_adapter.go  the plugin's side of the protocol
//	client_adapter.go  Client, the host's side of the protocol
//	proto.go           turns, events and items in the form of the protocol
package memory
