// Package conformance is what the kits share that check whether a plugin keeps the promises of its
// kind. What a rule works with, E, is the kit's own.
//
// # Files
//
//	rule.go  Rule and Failure; Run, which checks rules one after the other
package conformance
