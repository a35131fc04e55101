//go:build !linux

package sdk

// ForbidDumps does nothing on this system.
func ForbidDumps() error { return nil }

func nameProcess() {}
