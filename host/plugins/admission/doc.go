// Package admission decides which call of a plugin may be made, and when. It knows nothing
// of processes and instances but their names.
//
// A call asks in this order: the [Breaker] of its instance, whether it is refused at once;
// the [Queue] of its plugin, for a slot; the breaker again, for a [Permit]; and
// [CrashLoops], whether its configuration may be given to a process. A call in the
// background first has one of the [BackgroundSlots].
//
// Where to look:
//
//   - queue.go: who gets the next slot; how many calls wait; what an instance, a tenant
//     and an upstream may have at once
//   - breaker.go: when calls of an instance fail at once, for all tenants or for one
//   - circuit.go: after how many failures a circuit opens, and how long it stays open
//   - permit.go: which end of a call counts as a failure of the upstream
//   - crashloop.go: which configurations are not given to the plugin for a while, because
//     it crashed on them
//   - background.go: how many calls are made at once for nobody who waits
//
// Locks: each type has one of its own. None of them is held while a lock of another
// package is taken, except that Queue calls hasRivals with its lock held.
package admission
