// Package ollama is the LLM plugin "ollama": chat and embeddings by a model on an
// Ollama server, over github.com/ollama/ollama/api.
//
// # Streaming
//
// The reply is always streamed from the server, also when the caller wants it
// whole: only then can a slow model be told from a dead server, and tokens that
// were generated before a failure be counted. A model that is not in memory yet
// may take minutes for its first token. How long a silent server is waited for is decided by
// the caller, who ends the call: in Botyard limits.first_token_timeout and
// limits.token_timeout. Mind that the server may hold back the tokens of a
// tool call until it is whole, and evaluates the prompt again before it enforces a
// format.
//
// # What the API client does not tell
//
// api.Client returns nil when the connection breaks, when a line is longer than
// its buffer and when an error has no body; it drops the Retry-After header and
// the text of a 401; it returns the beginnings of a cut line as an error; and it
// signs requests to ollama.com with the key of the user who runs the process. So a
// transport of ours notes status, headers and broken reads beside it, only the
// final "done" counts as the end of a reply, and the client is kept from knowing
// the server's name.
//
// # What servers send
//
// Blank lines, several objects on a line, one object over several lines and a byte order
// mark are taken as the objects that they hold.
//
// # Few slots
//
// An Ollama server works on OLLAMA_NUM_PARALLEL calls of a model at once, 1 by default,
// and lets the others wait first come, first served. parallel tells the host, which lets
// them wait in turns by tenant instead. "server busy" is fault.RateLimited.
//
// # Proxies
//
// HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed where the operator gives them to the
// plugin.
//
// # Messages
//
// Images must come as bytes: Ollama fetches nothing. Ollama knows no tool choice
// but its own: ToolNone sends no tools, forcing one is refused. A tool's error is
// its result with "error: " before it. Reasoning is thinking, its signature is
// dropped.
//
// # Usage
//
// Tokens are counted by the server at the end of a reply. When there is no such
// end, the pieces that came are the output tokens, since Ollama sends one piece for
// each, and the input tokens are unknown (0).
//
// # Context
//
// By default Ollama drops the oldest messages that do not fit the model's context
// (options.num_ctx), and says nothing of it. With truncate = false it refuses, which
// is fault.ContextTooLong here.
package ollama
