// Package openaillm is the LLM plugin "openai": chat and embeddings by a model on OpenAI's servers, on
// Azure, or on any server with an API like OpenAI's, such as vLLM, llama.cpp, LM Studio, OpenRouter, Groq,
// DeepSeek and Google's. It uses the Go client of OpenAI, github.com/openai/openai-go.
//
// # Two APIs
//
// The plugin speaks the Responses API with OpenAI's servers, and chat completions with other servers. The
// key api chooses the API instead. The API of an instance never changes, because the provider states of a
// conversation are of one API.
//
// # Streaming
//
// The plugin streams every reply. It relays text and reasoning as they arrive. It relays a call of a tool
// when its arguments are complete: with chat completions at the end of the reply, or before a text that
// follows the call. A reply is complete with a reason for its end (finish_reason, or the end of a
// response), or with the mark [DONE] of a server that gives no reasons. A stream that ends without
// either is an error. After the end of a reply the plugin waits 5 seconds for the count of tokens. It
// has no timeout for a silent server: the host ends a call after limits.first_token_timeout or
// limits.token_timeout.
//
// # What servers do differently
//
// Servers leave fields out, send null, numbers as texts, and fields of their own. Calls come without ids,
// without indexes, or all with the index 0. Reasoning is in reasoning_content, reasoning,
// reasoning_details, or in the content. The count of tokens is in the last chunk, in one before, in
// x_groq, or nowhere. Without a count, each piece of the reply counts as a token. testdata/shapes has the
// streams of many servers.
//
// OpenAI's client encodes and sends requests, and decodes events. Its HTTP connections and its events come
// from package upstream, which bounds them. The plugin removes an "error" that is null from an event,
// because the client would take it for an error. The client never repeats a request, and reads no
// environment variables.
//
// # Reasoning
//
// With the Responses API, nothing is stored at OpenAI (store is false). The model's reasoning comes
// encrypted, as an item that is the provider state of the part. The next request has this item unchanged, in
// its place. The same is so for items that the plugin does not know. If OpenAI cannot read the reasoning,
// for example because the API key belongs to another account, the plugin sends the request once more
// without reasoning. With chat completions, the next request has the reasoning in the field in which it
// came, and Google's signatures of calls.
//
// # Errors
//
// The code, the type and the words of an error decide its class, because servers agree on few codes. The
// plugin cuts the API key, and pieces of it, out of the texts of a server.
//
// # Files
//
//	plugin.go             name, version and features
//	config.go             Config: the keys
//	settings.go           checks a Config; chooses the API; overrides of a request
//	model.go              Model: one configured instance
//	api.go                sends a request with OpenAI's client; Azure's paths
//	traits.go             what the model takes
//	families.go           what is known of OpenAI's models
//	chat.go               Chat: receives a stream, and decides how the call ended
//	decoder.go            gives the bounded events to OpenAI's client
//	reply.go              relays the pieces of a reply, and keeps the bounds of a reply
//	usage.go              counts of tokens, in all places where servers put them
//	chat_request.go       a request of chat completions: parameters, tools, response format
//	chat_messages.go      messages of chat completions
//	chat_reply.go         the chunks of a chat completion
//	chat_state.go         provider states of chat completions
//	calls.go              calls of tools that come in pieces
//	json_value.go         whether the arguments of a call are complete
//	responses_request.go  a request of the Responses API
//	responses_input.go    messages as items of the Responses API; provider states
//	responses_reply.go    the events of a response
//	media.go              images, sounds and files in both APIs
//	embedding.go          Embed, in batches
//	check.go              Check: asks the server for the configured models
//	failure.go            the class of an error of a server
package openaillm
