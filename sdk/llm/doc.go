// Package llm is the kind of plugin that generates replies and embeds texts.
//
// # Files
//
//	llm.go             the interfaces LLM and Embedder, with their requests and answers
//	plugin.go          NewPlugin, which makes a plugin of a constructor
//	server_adapter.go  the plugin's side of the protocol
//	client_adapter.go  Client, the host's side of the protocol
//	coalescer.go       how many tokens are sent as one piece, and when; where a reply is cut
package llm
