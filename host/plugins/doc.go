// Package plugins finds plugin binaries, runs them, and gives the rest of the
// host typed instances to call.
//
// A [Manager] discovers executables named botyard-KIND-NAME. For each plugin, or
// for each tenant of a plugin that is isolated by tenant, a supervisor keeps one
// process: it starts it when it is first needed, probes it, restarts it with
// backoff, quarantines it after repeated failures, replaces it without a gap when
// its binary changes, and ends it for certain.
//
// An [Instance] is one resolved configuration in such a process. Opening the same
// configuration again gives the same instance, whoever opens it. A call on an
// instance waits for its turn in a queue that is fair by tenant, for a process
// that is ready, and for the instance to be configured there; then it is made,
// with a deadline. A call that certainly never reached a process is made again;
// one that may have is not, and fails with fault.PluginUnavailable.
//
// go-plugin does the handshake and the connection. Everything that it does
// without a deadline is watched from here, and ended by SIGKILL.
package plugins
