// Package providercall measures what the plugins of providers add to a call of a model: calls through the
// host's plugin manager and a plugin's process beside the same calls by the provider's official client.
// Both call the same server, which answers after fixed times.
//
// Files:
//
//   - measure.go: the options, the result, and the order of the measurements.
//   - rounds.go: pairs of rounds of calls, and their quantiles.
//   - wires.go: the providers, and how each official client makes a call.
//   - server.go: the server of all providers, in a process of its own.
package providercall
