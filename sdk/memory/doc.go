// Package memory defines the kind of plugin that chooses which messages of a conversation the model
// sees. The conversation itself is stored by a storage plugin.
//
// # Files
//
//	memory.go          the interfaces Memory, Rememberer and Forgetter, with their requests
//	plugin.go          NewPlugin, which builds a plugin from a constructor
//	server_adapter.go  the plugin's side of the protocol
//	client_adapter.go  Client, the host's side of the protocol
package memory
