// Package anthropic is the LLM plugin "anthropic": chat with models by Anthropic's Messages API, on
// Anthropic's servers or on servers with a similar API.
//
// # Anthropic's client
//
// Requests, events and errors have the types of Anthropic's Go client, github.com/anthropics/anthropic-sdk-go.
// This client sends each request once, because the host repeats calls. It reads no environment variables.
// Its HTTP connections come from package upstream, which bounds the responses, enforces the egress policy
// and reads the events.
//
// # Versions of the API
//
// The version 2026-10-21 refuses temperature, top_p and top_k. The plugin sends a request that has one of
// them with the version 2023-06-01. It sends all requests to servers other than Anthropic's with that
// version. The models of the newest generations refuse these parameters in every version.
//
// # Messages
//
// Leading system messages become the system prompt. Neighbouring messages of one role become one, results
// of tools first. Texts of blanks are left out, since the API refuses them. If the last message has nothing else, the
// request is refused. If the first message is one of
// the model, because the front of the conversation was cut, a short note of the user's stands before it.
// Ids of calls that the API refuses are replaced by a digest. The API takes media of the user only: those
// in messages of the model stand in the user's next message, with a note before them.
//
// # Provider states
//
// The provider state of thinking has its signature, and that of redacted thinking has its data. A block
// whose kind the plugin does not know becomes a part of the kind other, with the block as its data. The
// next request has all of them unchanged and in their order. The maker of the states is the server and the
// model.
//
// # Prompt cache
//
// If the request says how many messages are stable, the plugin sets three cache breakpoints: at the last
// tool, at the last stable system text, and at the last stable block. The API takes four.
//
// # Usage
//
// The server sends the number of output tokens at the end of a reply. If the reply breaks off before, the
// plugin estimates the number: one token for each 3 bytes of the reply.
//
// # Files
//
//	plugin.go    name, version and features
//	config.go    Config and its checks
//	model.go     Model: one configured instance
//	traits.go    what the model takes, and when the server is asked
//	families.go  what is known of a model by its id
//	describe.go  the server's description of a model; Check
//	chat.go      Chat: sends a request, and decides how the call ended
//	request.go   a request in the API's form: parameters, tools, response format, cache breakpoints
//	messages.go  messages in the API's form
//	media.go     images and documents
//	state.go     provider states, and the blocks that they give back
//	events.go    the types of the events of a streamed reply, and the errors in events
//	reply.go     receives the events of a reply, cuts a long reply
//	blocks.go    the content blocks of a reply, and their parts
//	usage.go     the counts that the server sends
//	failure.go   the class of an error of a server
package anthropic
