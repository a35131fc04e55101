// Package echo is the LLM plugin "echo": an offline, deterministic stand-in for a provider. Its
// reply tells what it was shown, so that everybody can see from outside what a model would have
// been shown:
//
//	You said: "And again?". My instructions: "Be brief.". I was shown 2 earlier
//	messages, the first: "Hello".
//
// (on one line). Each text is in the reply exactly as it came. Nothing in it is interpreted or
// escaped: {{7*7}} comes back as typed. Without instructions the second sentence is "I have no
// instructions.". Without earlier messages the third is "I was shown no earlier messages.".
// Instructions are the texts of all system messages, separated by an empty line. Earlier messages
// are those before the last user message, without system messages.
//
// The question "Do you remember me?" is answered from the first earlier user message. Case, white
// space and punctuation at its end do not matter:
//
//	Yes, you asked about: How do I reset my password?
//
// Without an earlier user message the answer is "No, I was shown no earlier message of yours.".
//
// # Tokens and usage
//
// A token is a word with the white space after it. The reply is streamed token by token, and a
// request's limit of output tokens is kept. Input tokens are the words of all messages that it
// was shown. Output tokens are those that were streamed. Tools and response formats are accepted
// and have no effect.
//
// # Misbehaving
//
// The other keys of [Config] make it slow, long-winded, failing, hanging or crashing in a
// reproducible way, for tests and benchmarks of hosts. When several happen after the same token,
// a crash comes before a hang, and a hang before a failure. They concern Chat only.
//
// # Embeddings
//
// [Echo.Embed] makes a bag of hashed words. Equal texts have equal vectors. Texts that share
// words are near each other.
//
// # Files
//
//	plugin.go     name, version and capabilities
//	config.go     Config, and what its schema cannot check
//	fail.go       Fail: with which error calls fail, how often and after how many tokens
//	echo.go       Echo and Chat: when a reply ends, fails, hangs or crashes
//	reply.go      the text of the natural reply
//	tokens.go     cuts a reply into tokens; counts words
//	delay.go      the delays before tokens
//	embedding.go  Embed
package echo
