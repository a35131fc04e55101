// Command soak runs a host under load and checks every reply. During the first minute tenants
// change two hundred times a second, and no turn may fail. After it, clients also disconnect or
// read slowly, and plugin processes are killed.
//
// It ends with an error unless all of this holds: every acknowledged turn is in its conversation
// once; every turn ran on one configuration that was registered; no reply has anything of another
// tenant; and memory, goroutines, descriptors, processes and instances stay flat.
//
// Files:
//
//   - main.go: flags, and the order of a run: register, warm up, the phases, the checks.
//   - phases.go: how long each phase is, what happens in it, and what it must have counted.
//   - callers.go: the clients: those that check replies, that disconnect, and that read slowly.
//   - disturbances.go: changing tenants and killing plugin processes.
//   - results.go: acknowledged turns, their check against the stored conversation, violations.
//   - revisions.go: the check that each turn ran on a registered configuration.
//   - client.go: the HTTP client.
package main
