// Package profile lets one process profile another. The profiling process sends a signal to begin a
// profile and a signal to end it, so that the profile covers only the load.
//
// Files:
//
//   - watch.go: the profiled process: signals, profiles and their files.
//   - read.go: the profiling process: waiting for the files and reading them.
package profile
