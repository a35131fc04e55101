// Package plugincall measures what the host's plugin manager costs: calls of a plugin through the manager
// beside the same calls with grpc-go alone, starts, kills and replacements of the plugin.
//
// Files:
//
//   - measure.go: the result, and the order of the measurements.
//   - bare.go: the plugin's services on a plain gRPC server in a process of its own, and the connection to
//     it.
//   - calls.go: paired rounds of calls.
//   - process.go: starts, kills and replacements of the plugin's process.
package plugincall
