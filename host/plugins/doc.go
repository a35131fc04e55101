// Package plugins runs plugins and gives the rest of the host typed instances to call. It is
// a manager over three rooms that know nothing of it: discovery finds plugin files and
// decides which may run, process runs them, admission decides which call may be made when.
//
// A [Manager] has a supervisor for each plugin, or for each tenant of a plugin that is
// isolated by tenant. A supervisor keeps one process running while it is needed. An
// [Instance] is one resolved configuration in such a process; opening an equal
// configuration gives the same instance, whoever opens it.
//
// # Where to look
//
// The manager and its instances:
//
//   - manager.go: the type Manager; how it starts and closes
//   - options.go, timing.go: what is configured, and what is not; the defaults
//   - rescan.go: which plugins are replaced, withdrawn or tried again when the plugin folders
//     change
//   - supervisor_users.go: when a supervisor is made, and when it ends because nobody needs it
//   - isolation.go: whether tenants share a process
//   - reconfigure.go: which settings of the operator count at once, and which from the next start
//   - instance.go: which configurations share an instance; when an instance is released
//   - instance_limits.go: how many instances a tenant may have of a plugin
//   - schemas.go: how a plugin is asked for its schema and capabilities
//   - changes.go: who is told that a plugin changed
//   - status.go, totals.go: what operators and metrics see
//
// The supervisor:
//
//   - supervisor.go: the supervisor's loop: when a process is started, watched, replaced
//   - restart.go: which state follows a failed start or a crash
//   - restart_backoff.go: how long to wait before a restart; when quarantine begins
//   - acquire.go: how a call waits for a process, and when it fails instead
//   - replacement.go: how a new binary takes the place of the old process, and falls back
//   - replacement_exclusive.go: the same for a plugin that must not run twice
//   - rejection.go: why a new binary is not used, and when it is tried again
//   - drain.go: how a replaced process is left to its calls
//   - shutdown.go: how a supervisor ends; which calls are cut off
//   - attribution.go: which tenant crashed a process, and for how long it is kept away
//   - attribution_cells.go: which suspects of a crash get processes of their own
//   - worker.go: a process with its instances and calls
//   - call_log.go: whose calls a process worked on when it ended
//
// Calls:
//
//   - call.go: the steps of a call
//   - call_outcome.go: which error the caller gets, and whether the call is made again
//   - configure.go: how an instance is configured in a process, once for all who wait
//   - plugin_error.go: how a plugin's error becomes one of the host's
//   - background.go: tasks that go on after the user has the reply
//   - llm_adapter.go, memory_adapter.go, storage_adapter.go, tenant_store_adapter.go: an
//     instance as llm.LLM, memory.Memory and the interfaces of storages
//
// # States of a supervisor
//
//		                 a call waits or an              the process
//		                 instance is held                serves
//		  +-----------+ ------------------> +----------+ --------> +-------+
//		  | available |                     | starting |           | ready |
//		  +-----------+ <---------------+   +----------+           +-------+
//		      ^   file or settings      |    ^   |                   |   | ^
//		      |   changed               |    |   | start fails       |   | |
//		      |                         |    |   v          crash    |   | |
//		      |                     +---------------+ <--------------+   | | calls did not end
//		      |                     |    backoff    |                    | | while others were
//		      |                     |  quarantined  |   exclusive plugin | | held
//		      |                     |    failed     |   is replaced, or  | |
//		      |                     +---------------+   Close            v |
//		      |  the old process ended                              +----------+
//		      +-----------------------------------------------------| draining |
//		                                                            +----------+
//
//	  - backoff: a start failed, or the process crashed. It is started again after a delay.
//	  - quarantined: too many failures within the quarantine window. It is started again each
//	    minute, though nobody asks for it. Failures that are the host's, and crashes that are a
//	    tenant's, do not count.
//	  - failed: the binary cannot work (its name, its protocol, its schema), and is tried each
//	    minute; or its file is gone or refused, and it waits for another.
//	  - ready stays ready when a new binary takes over, and when that falls back to its
//	    predecessor.
//	  - stopped follows every state when the supervisor ends.
//
// # Life of a call
//
//	Instance.call      the instance was not given back; a background slot, if it needs one
//	supervisor.countIn the supervisor is not closing
//	call.admit         the tenant is not kept away; breaker; slot of the queue; permit
//	call.attempts      no crash loop of this configuration
//	call.route         which supervisor: the plugin's, or that of the tenant's cell
//	supervisor.acquire wait for a process that takes calls
//	call.deliver       configure the instance there, once for all; send, with a deadline
//	call.judge         which error the caller gets; a call that certainly reached no process
//	                   is made again once, and so is one whose instance the process did not
//	                   know
//	Permit.End         the breaker learns how the call ended
//
// A call that may have reached a process that ended is not made again. It fails with
// fault.PluginUnavailable.
//
// # Order of locks
//
// A lock may be taken while those before it in this list are held:
//
//	Manager.scanMu, Manager.mu, supervisor.mu of a plugin, attribution.mu,
//	supervisor.mu of a cell, worker.mu, Process.mu
//
// The locks of callLog, changeFeed and of the types in admission are taken last. No lock is
// held during a call, a start or any other wait.
package plugins
