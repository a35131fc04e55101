// Package plugintest tests a plugin's executable, in whatever language it was written: it
// starts the executable as a host does, checks the rules of plugin processes, and runs the
// conformance kit of the plugin's kind. The command plugin test calls [Run].
//
// No rule asserts that something takes less than a given time. A rule that does not come to
// an end fails after a minute.
//
// Where to look:
//
//   - run.go: Run, its options and results
//   - rule.go: what a rule is, and which part of the protocol asks for it
//   - process.go: how the executable is started for a rule, and how it ends
//   - start_rules.go: the rules of the start: handshake, info, health, secret
//   - end_rules.go: the rules of the end: signals, end of standard input
//   - call_rules.go: the rules of calls: instances, sizes, bad requests, calls at once
//   - check_rules.go: the rules of checks: CheckConfig and Check
//   - variant.go: the configurations that the rules of checks try
//   - kit.go: the conformance kits, over the host's plugin manager
//   - internal/flawed: a plugin that breaks one rule, by its name
package plugintest
