// Package echo is the LLM plugin "echo": an offline, deterministic stand-in for a provider. Its
// reply describes the messages of the request. A test can therefore see from the reply which
// messages a model would have seen. A natural reply is, on one line:
//
//	You said: "And again?". My instructions: "Be brief.". I was shown 2 earlier
//	messages, the first: "Hello".
//
// The reply repeats each text unchanged. It neither interprets nor escapes the text: {{7*7}} stays
// {{7*7}}. Without instructions the second sentence is "I have no instructions.". Without earlier
// messages the third sentence is "I was shown no earlier messages.". Instructions are the texts of
// all system messages, separated by an empty line. Earlier messages are all messages before the
// last user message except system messages.
//
// The reply to the question "Do you remember me?" repeats the first earlier user message. The
// plugin recognizes the question in any case, with any white space, and with any punctuation at
// its end:
//
//	Yes, you asked about: How do I reset my password?
//
// Without an earlier user message the reply is "No, I was shown no earlier message of yours.".
//
// # Tokens and usage
//
// A token is a word with the white space after it. The plugin streams the reply token by token,
// and obeys the request's limit of output tokens. Input tokens are the words of all messages of
// the request. Output tokens are the tokens that the plugin has generated. The key takes says
// what of a request it refuses.
//
// # Tools
//
// The plugin calls a tool of the request for each line of the last message that begins with "Call"
// and the tool's name. The rest of the line is the arguments, or {} if there is none:
//
//	Call weather {"city": "Rome"}
//
// The reply to results of tools is:
//
//	The tools said: "18 degrees".
//
// # Misbehaving
//
// Keys of [Config] make the plugin slow, or make its replies long, or make it fail, hang or crash
// after a number of tokens, for tests and benchmarks of hosts. If several keys apply after the
// same token, a crash comes before a hang, and a hang before a failure. These keys apply to Chat.
// [Echo.Check] fails as the next call of Chat would.
//
// # Embeddings
//
// [Echo.Embed] adds up vectors that it derives from the hashes of the words. Equal texts have equal
// vectors. Texts with common words have similar vectors.
//
// # Files
//
//	plugin.go     name, version and features
//	config.go     Config, and checks that its schema cannot express
//	fail.go       Fail: the error that calls fail with, how often, and after how many tokens
//	echo.go       Echo and Chat: when a reply is complete, fails, hangs or crashes
//	check.go      Check
//	calls.go      calls of tools, and the reply to their results
//	takes.go      what the plugin takes and refuses
//	reply.go      the text of the natural reply
//	tokens.go     cuts a reply into tokens; counts words
//	delay.go      the delays before tokens
//	embedding.go  Embed
package echo
