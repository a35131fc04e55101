// Package conformance has what the three conformance kits share. A kit checks that a plugin keeps
// the promises of its kind. The type parameter E is the kit's environment, which its rules work
// with.
//
// # Files
//
//	rule.go     Rule and Failure; Run, which checks rules one after the other
//	checker.go  CheckChecker: the rule of instances that say whether they work
package conformance
