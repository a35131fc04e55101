// Package leakcheck finds leaks of a host under load. It counts goroutines, descriptors, memory, processes
// and plugin instances of an idle host before and after the load and compares them. It also measures
// memory during the load.
//
// Files:
//
//   - leakcheck.go: Checker, its samples, and how much growth is allowed.
package leakcheck
