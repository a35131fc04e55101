//go:build !linux

package main

// useIdlePriority does nothing on this system.
func useIdlePriority() error { return nil }
