// Package ollama is the LLM plugin "ollama": chat and embeddings by a model on an Ollama server,
// over github.com/ollama/ollama/api.
//
// # Streaming
//
// The reply is always streamed from the server, also when the caller wants it whole. So tokens
// that were generated before a failure are counted, and the host can tell a slow model from a
// dead server. The plugin has no timeout for a silent server: the host ends a call by
// limits.first_token_timeout and limits.token_timeout. A model that is not in memory yet may take
// minutes for its first token. The server may hold back the tokens of a tool call until it is
// whole. It evaluates the prompt again before it enforces a response format.
//
// # What the API client does not tell
//
// api.Client returns nil when the connection breaks, when a line is longer than its buffer, and
// when an error has no body. It drops the Retry-After header and the text of a 401. It returns
// the beginning of a cut line as an error. It signs requests to ollama.com with the key of the
// user who runs the process. Therefore a transport of ours notes status, headers and broken
// reads. Only the final "done" counts as the end of a reply. The client is not told the server's
// name.
//
// # What servers send
//
// Blank lines, several objects on a line, one object over several lines and a byte order mark
// are accepted. Only the objects count.
//
// # Few slots
//
// An Ollama server works on OLLAMA_NUM_PARALLEL calls of a model at once, 1 by default. Others
// wait there, first come, first served. The key parallel tells the host the number, and the host
// lets calls wait in turns by tenant instead. "server busy" is fault.RateLimited.
//
// # Proxies
//
// HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed where the operator gives them to the plugin.
//
// # Messages
//
// Images must come as bytes, for Ollama fetches nothing. Ollama decides by itself whether a tool
// is called: with ToolNone no tools are sent, and a forced tool is refused. A tool's error is its
// result with "error: " before it. Reasoning is sent as thinking, without its signature.
//
// # Usage
//
// The server counts tokens at the end of a reply. If that end does not come, the output tokens
// are the pieces that came, since Ollama sends one piece for each token. The input tokens are
// then unknown (0).
//
// # Context
//
// By default Ollama drops the oldest messages that do not fit the model's context
// (options.num_ctx), and reports nothing. With truncate = false it refuses, which is
// fault.ContextTooLong here.
//
// # Files
//
//	plugin.go      name, version and capabilities
//	config.go      Config, and what is refused of it
//	model.go       Model: one configured instance
//	capacity.go    how many calls a server takes, and which instances share one
//	chat.go        Chat: sends a request, and decides how it ended
//	request.go     a request in Ollama's form: options, tools, response format
//	messages.go    messages in Ollama's form
//	reply.go       follows the stream of a reply; where it is cut; its usage
//	embedding.go   Embed
//	transport.go   HTTP connections; key, redirects
//	exchange.go    what is noted of one answer: status, Retry-After, broken reads
//	json_lines.go  makes a stream one object a line, and bounds it
//	bounds.go      how much of an answer is read and held
//	proxy.go       proxies of the environment
//	failure.go     which fault a failed call is
//	refusal.go     which fault an error status is
//	busy.go        how a server that takes no more calls is recognized
package ollama
