// Package llmtest checks whether an LLM plugin keeps the promises of [llm.LLM]. It takes no
// *testing.T: [Test] returns an error with all that is wrong.
//
// With [Expect] the replies must be the expected ones. Without it any reply is accepted. A run
// makes about thirty short generations, and one long one that is canceled.
//
// # Files
//
//	llmtest.go   Test, Rule and Env
//	options.go   what a run leaves out or expects
//	rules.go     the rules
//	recorder.go  notes what a Chat emits, and what it must not
package llmtest
