// Package profile lets one process profile another. It sends signals to begin and to end, so that only the
// load is profiled.
//
// Files:
//
//   - watch.go: the profiled process: signals, profiles and their files.
//   - read.go: the other process: waiting for the files and reading them.
package profile
