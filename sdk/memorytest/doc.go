// Package memorytest is the conformance kit of memory plugins: it tests whether a memory keeps the
// promises of [memory.Memory]. It does not need a *testing.T, because [Test] returns an error with
// everything that is wrong.
//
// The rules are for memories that choose among the messages of a conversation. A memory that writes
// new messages, such as a summary, cannot pass the rule "recall". It leaves out that rule with
// [Except].
//
// # Files
//
//	memorytest.go  Test, Rule and the options
//	env.go         Env, and the conversations that the rules use
//	rules.go       the rules
package memorytest
