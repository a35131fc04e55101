// Package hostproc starts and stops processes under test: a host with its plugins, from the programs that
// users run, or the benchmark itself in another role. It tells what CPU time they used.
//
// Files:
//
//   - host.go: a host: start, readiness, tenants, instances and process ids.
//   - config.go: the host file that a host is started with.
//   - process.go: any process: start, stop and output.
//   - usage.go: CPU time of processes by name.
package hostproc
