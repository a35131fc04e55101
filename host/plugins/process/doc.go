// Package process runs plugin processes. It starts them, forwards their output to the log,
// probes them, and makes sure that they end and leave nothing behind. Package plugins
// manages the tenants' configurations, the instances and the restarts, which this package
// does not know.
//
// The life of a [Process] has these steps:
//
//	Launcher.Prepare   verify the file, create a private folder
//	Launcher.Start     start the process, read go-plugin's handshake, connect,
//	                   get the plugin's name, version and schema
//	Process.Probe      probe the process until it ends; kill it if it hangs
//	Process.Stop       ask the process to end; kill it after a grace period
//	Exited             the process has ended and is reaped; its orphans were killed
//	Gone               its output is read; its connections and folder are removed
//
// go-plugin does the handshake and the connection. Some steps of go-plugin have no
// deadline. The host watches these steps, and kills the process if a step takes too long.
//
// Where to look:
//
//   - launch.go: how a process is started, which data folder it has, and which error a
//     failed start returns
//   - start_error.go: whether a failed start is the plugin's fault or the host's
//   - handshake.go: go-plugin's client; whether the plugin is what its file name says
//   - runner.go: how the process is executed, and how its first line is read
//   - host_services.go: which host services a plugin may need; the socket on which it gets them
//   - descent_linux.go, descent_other.go: which processes are the plugin's
//   - environment.go: which variables a plugin gets, and which of them are secrets
//   - descriptors.go, descriptors_linux.go, descriptors_other.go: how a plugin is kept from
//     inheriting open files
//   - process.go: the type Process; whether a call may be sent to a process
//   - probe.go: when a process counts as hung
//   - exit.go, exit_linux.go, exit_other.go: kill, stop, reap, clean up; the description of
//     a process's end
//   - orphans_linux.go, orphans_other.go, process_table_linux.go: which processes a plugin
//     left behind, and how they are killed
//   - output.go: how the output gets into the host's log, and how much of it
//   - sanitizer.go: how secrets are cut out of a plugin's texts, and how long a text may be
//   - transport.go: the limits of the connection; whose fault an error of gRPC is
//   - delivery.go: whether a call may have reached the process, and so must not be repeated
//   - runtime_dir.go: the private folder for sockets and temporary files
//   - schema_cache.go: the compiled schemas of the plugins
//   - timing.go: the timeouts and intervals of a process
//
// Locks: no other lock is acquired while Process.mu is held, except for RuntimeDir.mu.
// Process.mu is never held while the host waits for something. trackingMu, which guards the
// tracking of orphans, is acquired while no other lock is held.
package process
