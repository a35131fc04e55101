// Package memorytest says whether a memory keeps the promises of
// [memory.Memory]. Like storagetest it takes no *testing.T: [Test] answers an
// error with all that is wrong.
//
// The rules are for memories that choose among what was said. One that writes
// messages of its own, such as a summary, fails the rule "recall" by design, and
// leaves it out with [Except].
package memorytest
