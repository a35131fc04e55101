// Package memorytest checks whether a memory keeps the promises of [memory.Memory]. It takes no
// *testing.T: [Test] returns an error with all that is wrong.
//
// The rules are for memories that choose among the messages of a conversation. A memory that
// writes messages of its own, such as a summary, fails the rule "recall" by design, and leaves
// it out with [Except].
//
// # Files
//
//	memorytest.go  Test, Rule and the options
//	env.go         Env, and conversations for the rules to work with
//	rules.go       the rules
package memorytest
