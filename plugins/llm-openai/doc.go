// Package openaillm is the LLM plugin "openai": chat and embeddings by a model on OpenAI's servers, on
// Azure, or on any server with an API like OpenAI's, such as vLLM, llama.cpp, LM Studio, OpenRouter, Groq,
// DeepSeek and Google's. It is made with github.com/openai/openai-go.
//
// # Two APIs
//
// The plugin speaks the Responses API with OpenAI, and chat completions with the others; the key api
// decides otherwise. The API of an instance never changes, because a conversation has provider states of
// one of them.
//
// # Streaming
//
// The plugin streams every reply. It relays text and reasoning as they arrive. It relays a call of a tool
// when its arguments are complete: with chat completions at the end of the reply, or before a text that
// follows the call. A reply is complete with a reason for its end (finish_reason, or the end of a
// response), or with the mark [DONE] of a server that gives no reasons. A stream that ends without
// either is an error. After the end of a reply the plugin waits some seconds for the count of tokens. It
// has no timeout for a silent server: the host ends a call after limits.first_token_timeout or
// limits.token_timeout.
//
// # What servers do differently
//
// Servers leave fields out, send null, numbers as texts, and fields of their own. Calls come without ids,
// without indexes, or all with the index 0. Reasoning is in reasoning_content, reasoning,
// reasoning_details, or in the content. The count of tokens is in the last chunk, in one before, in
// x_groq, or nowhere; the pieces of the reply count then. testdata/shapes has the streams of many servers.
//
// OpenAI's client encodes and sends requests, and decodes events. It gets its HTTP connections, and its
// events, of package upstream, which bounds them. An "error" that is null is taken away before, because
// the client takes it for an error. The client never repeats a request, and reads no environment
// variables.
//
// # Reasoning
//
// With the Responses API, nothing is stored at OpenAI (store is false). The model's reasoning comes
// encrypted, as an item that is the provider state of the part, and goes back unchanged in its place. So
// do items that the plugin does not know. If OpenAI cannot read the reasoning, because the key is now of another
// account, the plugin sends the request once more without it. With chat completions, reasoning goes back in the field in
// which it came. Google's signatures of calls go back too.
//
// # Errors
//
// The codes, the types and the words of an error decide its class, because servers agree on few codes.
// The key is cut out of all that a server says, also pieces of it.
//
// # Files
//
//	plugin.go             name, version and features
//	config.go             Config: the keys
//	settings.go           checks a Config; the API that counts; overrides of a request
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
//	check.go              Check: is the server there, does it take the key, has it the models
//	failure.go            the class of an error of a server
package openaillm
