// Package process runs plugin processes: it starts them, forwards their output, probes
// them, and makes sure that they end and leave nothing. It knows nothing of tenants'
// configurations, instances and restarts: package plugins manages those.
//
// The life of a [Process]:
//
//	Launcher.Prepare   verify the file, make a private folder
//	Launcher.Start     start the process, read go-plugin's handshake, connect,
//	                   ask the plugin who it is
//	Process.Probe      ask for its health until it ends; kill it when it hangs
//	Process.Stop       ask it to end, kill it after a grace
//	Exited             it has ended and was reaped; its orphans were killed
//	Gone               its output was read, its connections and its folder are gone
//
// go-plugin does the handshake and the connection. The host watches everything that
// go-plugin does without a deadline, and ends it by SIGKILL.
//
// Where to look:
//
//   - launch.go: how a process is started, in which data folder, and what a failed start is
//     called
//   - start_error.go: whether a failed start is the plugin's fault or the host's
//   - handshake.go: go-plugin's client; whether the plugin is what its file name says
//   - runner.go: how the process is executed, and how its first line is read
//   - environment.go: which variables a plugin gets, and which of them are secrets
//   - descriptors.go, descriptors_linux.go, descriptors_other.go: how a plugin is kept from
//     inheriting open files
//   - process.go: the type Process; whether it may be sent a call
//   - probe.go: when a process counts as hung
//   - exit.go, exit_linux.go, exit_other.go: kill, stop, reap, clean up; how the end is
//     described
//   - orphans_linux.go, orphans_other.go, process_table_linux.go: which processes a plugin
//     left behind, and how they are killed
//   - output.go: how the output gets into the host's log, and how much of it
//   - sanitizer.go: how secrets are cut out of a plugin's texts, and how long a text may be
//   - transport.go: the limits of the connection; whose fault an error of gRPC is
//   - delivery.go: whether a call may have reached the process; only one that did not may be
//     made again
//   - runtime_dir.go: the private folder for sockets and temporary files
//   - schema_cache.go: the compiled schemas of the plugins
//   - timing.go: how long a process is waited for
//
// Locks: Process.mu is held for moments and taken last, except that RuntimeDir.mu may be
// taken under it. trackingMu, of the orphans, is taken with no other lock held.
package process
