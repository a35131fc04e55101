// Package bounds has every bound of what a tenant, a caller, an upstream or a plugin can
// make: for each of them, and for all together. Code that holds a bound takes its value
// from here or from sdk/limits.go, and docs/bounds.md is made of the table. Nothing of
// the host is imported here, so that every package of the host can import this one.
//
// The table stands in one file for each theme: requests.go, turns.go, configuration.go,
// tenants.go, plugins.go and metrics.go. Each bound has a test that goes beyond it, which names it in
// a comment of its own line, "beyond: NAME"; host/docstest looks for it.
package bounds
