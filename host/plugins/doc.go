// Package plugins runs plugins, and gives the host typed instances to call. It is a manager
// on top of three packages that do not import it: discovery finds plugin files and decides
// which may be run, process runs them, and admission decides which calls may be made, and
// when.
//
// A [Manager] has a supervisor for each plugin. If a plugin is isolated by tenant, the
// manager has a supervisor of this plugin for each tenant. A supervisor keeps one process
// running while it is needed. An [Instance] is one resolved configuration in such a
// process. Callers that open equal configurations share an instance.
//
// # Where to look
//
// The manager and its instances:
//
//   - manager.go: the type Manager; how it starts and closes
//   - options.go, timing.go: the options with their defaults; the durations that no operator
//     sets
//   - rescan.go: which plugins are replaced, withdrawn or tried again when the plugin
//     folders change
//   - supervisor_users.go: when a supervisor is created, and when it is stopped because it
//     has no users
//   - isolation.go: whether tenants share a process
//   - reconfigure.go: which settings of the operator take effect at once, and which from the
//     next start of a process
//   - instance.go: which configurations share an instance; when an instance is released
//   - instance_limits.go: how many instances of a plugin a tenant may have
//   - schemas.go: how the manager gets a plugin's schema, services and features
//   - changes.go: how listeners learn that a plugin changed
//   - status.go, totals.go: the data for operators and metrics
//
// The supervisor:
//
//   - supervisor.go: the supervisor's loop: when a process is started, watched, replaced
//   - restart.go: which state follows a failed start or a crash
//   - restart_backoff.go: how long to wait before a restart; when quarantine begins
//   - acquire.go: how a call waits for a process, and when it fails instead
//   - replacement.go: how a new binary replaces the old process, and when the old process
//     takes over again
//   - replacement_exclusive.go: how the process of an exclusive plugin is replaced
//   - rejection.go: why a new binary is not used, and when it is tried again
//   - drain.go: how a replaced process finishes its calls
//   - shutdown.go: how a supervisor stops; which calls are cut off
//   - attribution.go: which tenant crashed a process, and for how long its calls are refused
//   - suspicion.go: which data is stored about suspects of crashes, and for how long
//   - attribution_cells.go: which suspects of a crash get processes of their own
//   - worker.go: a process with its instances and calls
//   - call_log.go: which tenants had calls in a process when it ended
//
// Calls:
//
//   - call.go: the steps of a call
//   - call_outcome.go: which error the caller gets, and whether the call is repeated
//   - check_config.go: how a plugin says what is wrong in a configuration
//   - check.go: how a plugin says whether an instance can do its work now
//   - configure.go: how an instance is configured in a process, once for all waiting calls
//   - nested.go: how a plugin calls its nested plugins; which calls get a call token
//   - plugin_error.go: how a plugin's error becomes an error of the host
//   - background.go: tasks that continue after the user has the reply
//   - llm_adapter.go, memory_adapter.go, storage_adapter.go, cursor_adapter.go,
//     tenant_store_adapter.go: an instance as llm.LLM, memory.Memory and the interfaces of storages
//   - storage_answers.go: which answers of a storage are visibly about something else than the
//     host asked for, and are refused
//
// The test TestBadPlugins has a table of what a plugin may do wrong. Each row says what the
// caller gets, and what the plugin list and the log say.
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
//		      |                     |    backoff    |                    | | while new calls
//		      |                     |  quarantined  |   exclusive plugin | | were held
//		      |                     |    failed     |   is replaced, or  | |
//		      |                     +---------------+   Close            v |
//		      |  the old process ended                              +----------+
//		      +-----------------------------------------------------| draining |
//		                                                            +----------+
//
//	  - backoff: a start failed, or the process crashed. The process is started again after a
//	    delay.
//	  - quarantined: there were too many failures within the quarantine window. The process is
//	    started again each minute, even without a call. Failures that are the host's fault,
//	    and crashes that a tenant caused, do not count.
//	  - failed: either the binary cannot work (its name, its protocol, its schema), and is
//	    tried each minute; or its file is missing or refused, and the supervisor waits for
//	    another file.
//	  - ready: the state stays ready when a new binary replaces the old process, and when the
//	    old process takes over again.
//	  - stopped: this state follows every other state when the supervisor stops.
//
// # Life of a call
//
//	Instance.call      check that the instance is not closed; a background call waits for a
//	                   background slot
//	supervisor.countIn check that the supervisor is not closing
//	call.admit         check that the tenant is not refused; check the breaker; wait for a
//	                   slot of the queue; get the breaker's permit
//	call.attempts      check that the configuration is in no crash loop
//	call.route         choose the supervisor of the plugin or of the tenant's cell
//	supervisor.acquire wait for a process that takes calls
//	call.deliver       configure the instance in the process; send the call, with a deadline
//	call.judge         choose the error for the caller; repeat the call once if it certainly
//	                   reached no process, and once if the process did not know the instance
//	Permit.End         report the result to the breaker
//
// A call is not repeated if it may have reached a process that ended. Such a call fails
// with fault.PluginUnavailable.
//
// # Order of locks
//
// A goroutine may acquire a lock of this list while it holds locks that are earlier in the
// list:
//
//	Manager.scanMu, Manager.mu, supervisor.mu of a plugin, attribution.mu,
//	supervisor.mu of a cell, worker.mu, Process.mu
//
// The locks of callLog, changeFeed and of the types in package admission come last. No lock
// is held during a call, a start or any other wait.
package plugins
