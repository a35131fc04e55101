// Package fairshare gives tenants their share of what the host has in bounded amounts. In all
// of its types a tenant may have so much (each), and all together so much (all). Who has to
// wait is served in turns by tenant: a tenant with many that wait does not come before one
// with few. All types are used concurrently.
//
//	Pool   a bounded amount, of requests or bytes: Acquire waits for a Share, which is
//	       released. A tenant may have half of what the others leave.
//	Slots  work that needs the processor: Do waits for a slot and does the work in it
//	Cap    what is under way: Acquire counts it, or refuses it at once; nobody waits
//	Pace   the time that a tenant's work takes in the long run
//
// The files:
//
//	pool.go   Pool and Bounds: whether an amount fits, who waits, and who is served next
//	share.go  Share: what one request has of a Pool; it grows, shrinks and is released
//	slots.go  Slots: Do, and Away, which gives the slot to others during a wait
//	cap.go    Cap: counts without waiting
//	pace.go   Pace: credit of time, and when a tenant has to come again
package fairshare
