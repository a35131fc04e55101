// Package echocall measures the cheapest call between two processes: a unary gRPC call through go-plugin
// that returns its argument. A turn of a host makes several such calls, so its cost is compared with this
// call.
//
// Files:
//
//   - measure.go: starting the plugin, the loop of calls, and the figures.
//   - service.go: the plugin, its service and its client, without generated code.
package echocall
