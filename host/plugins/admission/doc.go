// Package admission decides which calls of a plugin may be made, and when. It does not
// import the packages that run plugins: it knows an instance by the digest of its
// configuration, and a process as a [Process].
//
// A call takes these steps, in this order:
//
//  1. A background call waits for one of the [BackgroundSlots]. Other calls skip this step.
//  2. [Breaker.Check] may refuse the call at once, before the call waits.
//  3. [Queue.Acquire] waits for a slot of the plugin.
//  4. [Breaker.Admit] gives the call a [Permit]. It may refuse the call, because a circuit
//     may have opened while the call waited.
//  5. [CrashLoops.Check] may refuse the call before its configuration is given to a process.
//
// The breaker refuses no urgent call: an urgent call skips step 2, and gets its permit from
// [Breaker.AdmitUrgent]. A call that must not wait behind others, such as a call that
// configures an instance or renews leases, skips steps 2 to 4.
//
// Where to look:
//
//   - queue.go: which call gets the next slot; how many calls wait; how many slots an
//     instance, a tenant and an upstream may have at once
//   - breaker.go: when calls of an instance fail at once, for all tenants or for one tenant
//   - circuit.go: after how many failures a circuit opens, and how long it stays open
//   - permit.go: which result of a call counts as a failure of the upstream
//   - crashloop.go: which configurations a process does not get for a while, because they
//     crashed the plugin
//   - background.go: how many background calls run at once
//
// Locks: Breaker, Queue, CrashLoops and BackgroundSlots have a mutex each. The mutex of a
// breaker guards its circuits and permits too. Two functions that the caller provides run
// with a mutex held, and must not call back: hasRivals of the Queue and Log of the Breaker.
package admission
