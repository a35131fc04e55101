//go:build !linux

package sqlitestore

import "testing"

func smallDisk(t *testing.T, _ string) string {
	t.Skip("how to mount a file system is only known for Linux")
	return ""
}

func makeReadOnly(string) error { return nil }

func makeWritable(string) error { return nil }
