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
// If the last user message has media, a sentence after the first describes them: their type, their
// size or address, and their name:
//
//	You showed: image/png, 1234 bytes, cat.png.
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
// If the request excludes parallel tool calls, the plugin makes only the first one.
//
// # Reasoning
//
// Each line of the last user message that begins with "Think: " becomes reasoning before the reply.
// The value of the key reasoning, if set, is the reasoning of each reply instead. The tokens of reasoning
// count as output too.
//
//	Think: the answer is 42
//
// # Structured output
//
// If the request wants a JSON object, the reply is {"reply": REPLY} with the natural reply. For a JSON
// Schema the reply is a value of the schema, always the same: the first choice, the number nearest to
// zero, and the natural reply as the first free text. The plugin refuses a schema with keywords that
// it does not keep, such as pattern, and one whose value is too large, also by references to the same
// constant. The keys reply, reply_parts, tokens and show_request decide the reply whatever the format,
// so that a test can have a model that does not keep it.
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
// [Echo.Embed] adds up vectors that it derives from the hashes of the words and of their pieces of three
// characters. Equal texts have equal vectors. Texts with common words, or with words of one stem, have
// similar vectors. The key embedding_dimensions sets the length of the vectors.
//
// # Files
//
//	plugin.go     name, version and features
//	config.go     Config, and checks that its schema cannot express
//	fail.go       Fail: the error that calls fail with, how often, and after how many tokens
//	echo.go       Echo and Chat: when a reply is complete, fails, hangs or crashes
//	check.go      Check
//	calls.go      calls of tools, and the reply to their results
//	media.go      describes media
//	reasoning.go  the reasoning before a reply
//	structured.go         replies in the form of a JSON object or a JSON Schema
//	structured_values.go  the objects, lists, texts and numbers of a schema
//	takes.go      what the plugin takes and refuses
//	reply.go      the text of the natural reply
//	tokens.go     cuts a reply into tokens; counts words
//	delay.go      the delays before tokens
//	embedding.go  Embed
package echo
