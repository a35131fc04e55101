// Command soak runs a host under load and checks every reply. During the first minute tenants change two
// hundred times a second, and every turn must succeed. After the first minute, clients also disconnect or
// read slowly, and plugin processes are killed.
//
// It ends with an error unless all of this holds: every acknowledged turn is stored once in its
// conversation; every turn ran with one configuration that was registered; every reply is free of data of
// other tenants; and memory, goroutines, descriptors, processes and instances do not grow.
//
// Files:
//
//   - main.go: flags, and the order of a run: register, warm up, the phases, the checks.
//   - phases.go: how long each phase is, what happens in it, and which events it must have counted.
//   - callers.go: the clients: some check replies, some disconnect, and some read slowly.
//   - disturbances.go: changing tenants and killing plugin processes.
//   - results.go: acknowledged turns, their check against the stored conversation, violations.
//   - revisions.go: the check that each turn ran with a registered configuration.
//   - client.go: the HTTP client.
package main
