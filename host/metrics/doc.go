// Package metrics counts what a host does, and shows it as a page for Prometheus. Turns and
// requests are counted when they end. The state of plugins, the registry and the log is read
// when the page is asked for. The instruments and the page are OpenTelemetry's; no type of it
// is in this package's API.
//
// Each label has few values, whatever callers, tenants, providers and plugins do: names of
// the host's own, names of plugins that the operator installed, and, if the operator wants
// it, a bounded number of tenants.
//
// Files:
//
//   - metrics.go: options; making the page and its instruments.
//   - families.go: the names, types, labels and help of all metrics.
//   - turns.go: counting a turn that has ended.
//   - requests.go: counting an HTTP request that has ended.
//   - gauges.go: what is read when the page is asked for.
//   - tenant_labels.go: which tenants have a label of their own.
//   - label_sets.go: reusing sets of labels, so that a record allocates nothing.
package metrics
