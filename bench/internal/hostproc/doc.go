// Package hostproc starts and stops processes under test. A process is a host with its plugins, run from
// the programs that users run, or the benchmark itself in another role. The package measures the CPU time
// of processes.
//
// Files:
//
//   - host.go: a host: start, readiness, tenants, instances and process ids.
//   - config.go: the host file of a host under test.
//   - process.go: any process: start, stop and output.
//   - usage.go: CPU time of processes by name.
package hostproc
