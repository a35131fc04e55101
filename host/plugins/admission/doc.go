// Package admission decides which call of a plugin may be made, and when. It does not
// import the packages that run plugins: an instance is the digest of its configuration, and
// a process is a [Process].
//
// A call takes these steps, in this order:
//
//  1. A call in the background waits for one of the [BackgroundSlots]. Other calls skip this.
//  2. [Breaker.Check] may refuse the call at once, before it waits.
//  3. [Queue.Acquire] waits for a slot of the plugin.
//  4. [Breaker.Admit] gives the call a [Permit]. It may refuse the call, because a circuit
//     may have opened while the call waited.
//  5. [CrashLoops.Check] may refuse the call before its configuration is given to a process.
//
// An urgent call is not refused by the breaker: it skips step 2, and gets its permit from
// [Breaker.AdmitUrgent]. A call that must not wait behind others, such as one that configures
// an instance or renews leases, skips steps 2 to 4.
//
// Where to look:
//
//   - queue.go: who gets the next slot; how many calls wait; what an instance, a tenant
//     and an upstream may have at once
//   - breaker.go: when calls of an instance fail at once, for all tenants or for one
//   - circuit.go: after how many failures a circuit opens, and how long it stays open
//   - permit.go: which outcome of a call counts as a failure of the upstream
//   - crashloop.go: which configurations are not given to the plugin for a while, because
//     it crashed on them
//   - background.go: how many calls are made at once in the background, where no user waits
//     for them
//
// Locks: Breaker, Queue, CrashLoops and BackgroundSlots have a mutex each. A circuit and a
// permit are guarded by the mutex of their breaker. Two functions of the caller are called
// with a mutex held, and must not call back: hasRivals of the Queue and Log of the Breaker.
package admission
