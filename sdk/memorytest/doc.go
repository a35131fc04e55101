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
//	memorytest.go      Test, Rule and the options
//	env.go             Env, and the conversations that the rules use
//	rules.go           what is recalled: needs, recall, tail-alone, apart, remember-repeat
//	remember_rules.go  what Remember returns: remember-sequence
//	retract_rules.go   retractions: retracted-ahead, remember-retraction
//	forget_rules.go    Forget: forget, forget-user, reused-id
//	check_rules.go     Check of a memory that has it: check
//
// rules_test.go has a broken memory for each rule, which proves that the rule can fail.
package memorytest
