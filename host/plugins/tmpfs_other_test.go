//go:build unix && !linux

package plugins

import "testing"

func smallDisk(t *testing.T, _ string) { t.Skip("a small file system cannot be mounted here") }
