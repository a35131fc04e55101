// Package hostproc runs processes under test: a host with its plugins, from the
// binaries that users run, or a child of the benchmark itself, each with a folder
// of its own, and tells what they used.
package hostproc
