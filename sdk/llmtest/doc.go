// Package llmtest is the conformance kit of llm plugins: it tests whether an LLM keeps the promises
// of [llm.LLM]. It does not need a *testing.T, because [Test] returns an error with everything that
// is wrong.
//
// With the option [Expect], a run checks the texts of the replies. Without it, a run accepts any
// text. A run makes about thirty short generations, and a few long ones that it cancels.
//
// # Files
//
//	llmtest.go   Test, Rule and Env
//	options.go   Option: what a run leaves out or expects
//	rules.go     the rules, and the checks of replies
//	request_rules.go  the checks of what an LLM must refuse, and of what it must not refuse
//	ability_rules.go  the checks that an LLM can do what its traits say
//	recorder.go  records the pieces that a Chat emits
package llmtest
