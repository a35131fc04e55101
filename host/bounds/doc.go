// Package bounds has every bound on what a tenant, a caller, an upstream or a plugin can use, for
// each of them and for all together. Code that enforces a bound takes the value from this package
// or from sdk/limits.go. The page docs/bounds.md is generated from Table. Every package of the host
// can import this package, because this package imports no package of the host.
//
// Each bound has a test that goes beyond the bound, with a comment line "beyond: NAME". Package
// host/docstest checks that every bound has such a line.
//
// Files:
//
//   - bound.go: the type Bound, and the table of all bounds.
//   - requests.go: HTTP requests, bodies, answers, imports and their slots.
//   - turns.go: messages, replies, tails and orphan turns.
//   - configuration.go: documents, secrets, checks and tenant files.
//   - plans.go: plans of the host file.
//   - tenants.go: registrations, incarnations, storages and retention.
//   - processes.go: plugin processes, instances, calls and crashes.
//   - plugins.go: upstreams and databases of plugins.
//   - metrics.go: labels of metrics.
package bounds
