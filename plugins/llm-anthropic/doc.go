// Package anthropic is the LLM plugin "anthropic": chat with models by Anthropic's Messages API, or by a
// server that resembles it.
//
// # The API's package
//
// Requests, events and errors are of the types of github.com/anthropics/anthropic-sdk-go, whose client
// sends the requests, once each: the host repeats calls. The client reads nothing of the process's
// environment. Below it, package upstream keeps the bounds of a server's responses and the egress policy,
// and reads the events.
//
// # Versions of the API
//
// The version 2026-10-21 refuses temperature, top_p and top_k. A request that has one of them is sent with
// the version 2023-06-01, and so are all requests to servers other than Anthropic's. The models of the
// newest generations refuse these parameters in every version.
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
// Thinking has its signature as provider state, redacted thinking its data. A block of a kind that the
// plugin does not know becomes an other part with the block as its data. All go back as they came, and in
// their order. The maker is the server and the model.
//
// # Prompt cache
//
// If the request says how many messages are stable, the plugin marks the last tool, the last of the stable
// system texts and the last stable block, three breakpoints of the four that the API takes.
//
// # Usage
//
// The server counts the output tokens with the end of a reply. If the reply breaks off before, the plugin
// estimates them: one for each 3 bytes of the reply.
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
//	events.go    the types of the events of a streamed reply, and broken ones
//	reply.go     receives the events of a reply, cuts a long reply
//	blocks.go    the content blocks of a reply, and their parts
//	usage.go     the counts that the server sends
//	failure.go   the errors of what a server refuses
package anthropic
