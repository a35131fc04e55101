// Package providercall measures what the plugins of providers add to the time of a call of a model. It compares
// calls through the host's plugin manager and a plugin's process with the same calls by the provider's
// official client. Both call the same server, which answers after fixed times.
//
// Files:
//
//   - measure.go: the options, the result, and the order of the measurements.
//   - rounds.go: pairs of rounds of calls, and their quantiles.
//   - wires.go: the providers, and how each official client makes a call.
//   - server.go: the server of all providers, in a process of its own.
package providercall
