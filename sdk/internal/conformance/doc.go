// Package conformance is what the kits have in common that say whether a plugin
// keeps the promises of its kind: a rule, its failure, and how rules are checked one
// after the other. What a rule works with, E, is the kit's own.
package conformance
