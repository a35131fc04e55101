// Package metrics counts what a host does, and serves the counts as a page for Prometheus. Turns
// and requests are counted when they end. The state of plugins, the registry and the log is read
// when Prometheus requests the page. The package uses OpenTelemetry for its instruments and the
// page, but its API has no OpenTelemetry types.
//
// The number of label values is bounded, whatever callers, tenants, providers and plugins do. The
// values are names of the host, names of plugins that the operator installed, and, if the operator
// enables the tenant label, a bounded number of tenants.
//
// Files:
//
//   - metrics.go: options; creating the page and its instruments.
//   - families.go: the names, types, labels and help texts of all metrics.
//   - turns.go: counting a turn that has ended.
//   - requests.go: counting an HTTP request that has ended.
//   - gauges.go: metrics whose values are read when the page is requested.
//   - tenant_labels.go: which tenants have a label of their own.
//   - label_sets.go: a cache of label sets, so that a measurement allocates nothing.
package metrics
