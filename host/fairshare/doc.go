// Package fairshare divides what the host has in bounded amounts between tenants. Its types
// have a bound for each tenant and a bound for all tenants together, except Pace, which has
// only the first. Tenants that wait are served alternately, one request each: a tenant with
// many waiting requests is not served before one with few. All types are used concurrently.
//
//	Pool   a bounded amount, of requests or bytes: Acquire waits for a Share, which is
//	       released. A tenant may have half of what the others leave.
//	Slots  work that needs the processor: Do waits for a slot and does the work in it
//	Cap    operations under way: Acquire counts one, or refuses it at once; nobody waits
//	Pace   the time that a tenant's work takes in the long run
//
// The files:
//
//	pool.go   Pool and Bounds: whether an amount fits, who waits, and who is served next
//	share.go  Share: the part of a Pool that one request has; it grows, shrinks and is released
//	slots.go  Slots: Do, and Away, which gives the slot to others during a wait
//	cap.go    Cap: counts without waiting
//	pace.go   Pace: credit of time, and how long a tenant without credit is refused
package fairshare
