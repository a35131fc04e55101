//go:build !linux

package main

// useIdlePriority does nothing, because only Linux has the idle priority.
func useIdlePriority() error { return nil }
