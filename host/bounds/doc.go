// Package bounds has every bound of what a tenant, a caller, an upstream or a plugin can use:
// for each of them, and for all together. Code that enforces a bound takes its value from here
// or from sdk/limits.go, and docs/bounds.md is made from the table. The package imports
// nothing of the host, so each package of the host can import it.
//
// Each bound has a test that goes beyond it. The test has a comment of its own line,
// "beyond: NAME"; host/docstest looks for it.
//
// Files:
//
//   - bound.go: what a Bound says, and the table of all.
//   - requests.go: HTTP requests, bodies, answers, imports and their slots.
//   - turns.go: messages, replies, tails and orphan turns.
//   - configuration.go: documents, secrets, checks and tenant files.
//   - plans.go: plans of the host file.
//   - tenants.go: registrations, incarnations, storages and retention.
//   - processes.go: plugin processes, instances, calls and crashes.
//   - plugins.go: upstreams and databases of plugins.
//   - metrics.go: labels of metrics.
package bounds
