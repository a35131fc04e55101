// Package feature has the features of plugins: what a plugin can do beyond the core of its kind.
// The protocol's registry of features is the enum Feature in plugin/v1/feature.proto, whose options
// mark the RPCs and request fields that belong to a feature.
//
// # Files
//
//	feature.go  the names of the features, and Known
//	check.go    Checker: which feature a request needs that a plugin does not have
package feature
