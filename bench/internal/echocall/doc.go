// Package echocall measures the cheapest call between two processes: a unary gRPC call through
// go-plugin that returns its argument. The calls of a turn are compared with it.
//
// Files:
//
//   - measure.go: starting the plugin, the loop of calls, and the figures.
//   - service.go: the plugin, its service and its client, without generated code.
package echocall
