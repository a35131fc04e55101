// Package echo is the LLM plugin "echo": an offline, deterministic stand-in for a
// provider. Its reply says what reached it, so that anyone can see from outside
// what a model would have been shown:
//
//	You said: "And again?". My instructions: "Be brief.". I was shown 2 earlier
//	messages, the first: "Hello".
//
// (on one line). Each text is in the reply exactly as it came: nothing in it is
// interpreted or escaped, and {{7*7}} comes back as typed. Without instructions
// the second sentence is "I have no instructions."; without earlier messages the
// third is "I was shown no earlier messages.". Instructions are the texts of all
// system messages, separated by an empty line; earlier messages are those before
// the last user message, system messages left out.
//
// Asked "Do you remember me?", however it is cased, spaced and punctuated, it
// answers from the first earlier user message that it was shown:
//
//	Yes, you asked about: How do I reset my password?
//
// or, when it was shown none, "No, I was shown no earlier message of yours.".
//
// # Tokens and usage
//
// A token is a word with the white space after it; the reply is streamed token by
// token, and a request's limit of output tokens is kept. Input tokens are the
// words of all messages that it was shown, output tokens those that were streamed.
// Tools and response formats are accepted and have no effect.
//
// # Misbehaving
//
// The other keys of [Config] make it slow, long-winded, failing, hanging or
// crashing in a reproducible way, for tests and benchmarks of what is around it.
// When several are to happen after the same token, a crash comes before a hang and
// a hang before a failure. They concern Chat only.
//
// # Embeddings
//
// [Echo.Embed] makes a bag of hashed words: equal texts have equal vectors, and
// texts that share words are near each other.
package echo
