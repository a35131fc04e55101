// Package budget bounds how many bytes of the data that a plugin process reads from upstreams are
// in its memory at one time, and how fast the data is read.
//
// # Files
//
//	budget.go  Budget and Share: how many bytes each instance gets, and how long a reader waits
//	meter.go   Meter: counts the bytes that one reader holds
//	pace.go    Pace: how fast one reader reads
package budget
