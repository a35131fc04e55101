// Package ollama is the LLM plugin "ollama": chat and embeddings by a model on an Ollama server,
// over github.com/ollama/ollama/api.
//
// # Streaming
//
// The plugin streams the reply from the server. It can
// therefore count the tokens of a reply that fails, and the host can distinguish a slow model from
// a dead server. The plugin has no timeout for a silent server. The host ends a call after
// limits.first_token_timeout or limits.token_timeout. A server that must first load the model may
// take minutes for the first token. It may hold back the tokens of a tool call until the tool call
// is complete. To enforce a response format, it evaluates the prompt a second time.
//
// # Gaps of the API client
//
// The plugin sends chats itself, since api.Client makes a buffer of 8 MB for each chat. It keeps the
// types and the errors of api.Client, which returns nil in three cases of failure: the connection
// breaks, a line is longer than the buffer, or an error response has no body. It drops the Retry-After header and the
// text of a response with status 401. If a line is cut, it returns the beginning of the line as an
// error. It signs requests to ollama.com with the key of the user who runs the process. To fill
// these gaps, a transport of this package records the status, the headers and read errors of each
// response. Only the final "done" counts as the end of a reply. The client gets a placeholder
// instead of the server's name.
//
// # Form of the stream
//
// The plugin accepts blank lines, several objects on a line, an object over several lines, and a
// byte order mark.
//
// # Parallel calls
//
// An Ollama server runs OLLAMA_NUM_PARALLEL calls of a model at once, 1 by default. Further calls
// wait in the server in the order of their arrival. The key parallel tells the host this number.
// Further calls then wait in the host instead, in turns by tenant. If the server says "server
// busy", the error is fault.RateLimited.
//
// # Proxies
//
// The plugin obeys HTTPS_PROXY, HTTP_PROXY and NO_PROXY if the operator passes these variables to
// the plugin.
//
// # Messages
//
// The plugin accepts images as bytes only, because Ollama does not fetch images from URLs. Images of
// a reply, as another provider makes them, follow in a message of the user. Arguments of an earlier
// call that are no JSON object stand in one. Ollama
// decides by itself whether the model calls a tool. With ToolNone the plugin sends no tools. It
// refuses a request that forces a tool call. It sends a tool's error as a result that begins with
// "error: ". It sends reasoning as thinking.
//
// # Usage
//
// The server sends the number of tokens with the final "done" of a reply. If the reply breaks off
// before, the plugin counts the pieces as output tokens, because Ollama sends one piece for each
// token. The number of input tokens is then unknown (0).
//
// # Pulling
//
// With pull = true a call that needs a missing model lets the server pull it, once for all calls of
// the process whose instances have the same api_key, pull_timeout and egress policy. A call waits
// 10 seconds for it, and then fails with fault.RateLimited. The call is sent once more only if the
// server refused it with "not found", so a reply is never begun twice. The pull goes on without the
// call, for pull_timeout at most, and ends with the last instance that wants it.
//
// # Context
//
// If the messages do not fit the model's context (options.num_ctx), Ollama drops the oldest
// messages without a notice. With truncate = false Ollama refuses the request, and the error is
// fault.ContextTooLong.
//
// # Traits
//
// When the host configures an instance, the plugin asks the server for its description of the
// model: whether it takes images and tools, and the sizes of its context and its vectors. It waits a
// second at most. What the server does not say, such as a server of an earlier version, the plugin
// takes for possible. So a server that is down changes nothing but what is known.
//
// # Files
//
//	plugin.go      name, version and features
//	config.go      Config and its checks
//	model.go       Model: one configured instance
//	capacity.go    how many calls a server runs at once, and which instances share a server
//	traits.go      what the model takes, and when the server is asked
//	show.go        the server's description of a model
//	chat.go        Chat: sends a request, and decides how the call ended
//	pull.go        lets the server pull a missing model, with one pull at a time
//	stream.go      sends a request, and parses the lines of the response
//	request.go     a request in Ollama's form: overrides, tools, response format
//	options.go     Options: the options of a model, and those that are also keys of Config
//	messages.go    messages in Ollama's form
//	reply.go       receives the stream of a reply, cuts a long reply, counts its tokens
//	embedding.go   Embed
//	check.go       Check: asks the server to describe the configured models
//	available.go   names the models that the server has, in the error for a missing one
//	transport.go   HTTP connections; key, redirects
//	exchange.go    the record of one response: status, Retry-After, read errors
//	encoding.go    reads responses that a proxy has compressed
//	json_lines.go  puts each object of a stream on its own line, and bounds the stream
//	bounds.go      how much of a response the plugin reads, and has in memory
//	proxy.go       proxies that environment variables name
//	failure.go     the error of a failed call
//	refusal.go     the error of a response with an error status
//	busy.go        recognizes a server that accepts no more calls
package ollama
