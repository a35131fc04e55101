// Package llm defines the kind of plugin that generates replies and embeds texts.
//
// # Files
//
//	llm.go             the interfaces LLM and Embedder, with their requests and results
//	delta.go           Delta: the parts of a reply, and their pieces
//	joiner.go          Order and Joiner: which pieces are of one part
//	refusal.go         CheckRequest: what of a request the traits of a model exclude
//	plugin.go          NewPlugin, which builds a plugin from a constructor
//	server_adapter.go  the plugin's side of the protocol
//	client_adapter.go  Client, the host's side of the protocol
//	nested.go          Nested, by which the plugin of another kind calls a nested llm plugin
//	coalescer.go       how much text is sent as one piece, and when; where a reply is cut
package llm
