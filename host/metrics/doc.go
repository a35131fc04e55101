// Package metrics counts what a host does and shows it as a page for Prometheus. Turns
// and requests are counted as they come; what plugins, the registry and the log are doing
// is asked for when the page is. The instruments and the page are OpenTelemetry's: nothing
// of it is seen outside.
//
// Every label has few values, whatever callers, tenants, providers and plugins do: names of
// the host's own, names of plugins that the operator put there, and, where the operator
// wants it, a bounded number of tenants.
package metrics
