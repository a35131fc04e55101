// Package fairshare divides limited resources of the host between tenants. Its types have a limit
// for each tenant and a limit for all tenants together, except Pace, which has only a limit for
// each tenant. Waiting tenants are served round-robin, one request each, so that a tenant with many
// waiting requests does not delay a tenant with few. All types are safe for concurrent use.
//
//	Pool   limits an amount, such as requests or bytes. Acquire waits for a Share, and the
//	       caller releases it. A tenant may have half of what other tenants leave.
//	Slots  limits work that needs the processor. Do waits for a slot and does the work in it. With
//	       Within, work of one class needs a slot of the class too.
//	Cap    limits operations that run at the same time. Acquire counts one operation
//	       or refuses the operation at once, and never waits.
//	Pace   limits the time that a tenant's work takes in the long run.
//
// The files:
//
//	pool.go   Pool and Bounds: whether an amount fits, and which waiting call is served next
//	share.go  Share: the part of a Pool that one request has; a Share grows, shrinks and is released
//	slots.go  Slots: Do, Within, and Away, which lends the slots to other work during a wait
//	cap.go    Cap: counting without waiting
//	pace.go   Pace: credit of time, and how long a tenant without credit is refused
package fairshare
