// Package leakcheck finds leaks of a host under load. It compares goroutines, descriptors, memory,
// processes and plugin instances at rest, before and after the load, and follows memory during it.
//
// Files:
//
//   - leakcheck.go: Checker, its samples, and how much growth is allowed.
package leakcheck
