// Package budget bounds how many bytes a plugin process holds of what it reads from the other
// ends of its connections.
//
// # Files
//
//	budget.go  Budget and Share: who gets how much, and how long a reader waits
//	meter.go   Meter: counts what one reader holds
package budget
