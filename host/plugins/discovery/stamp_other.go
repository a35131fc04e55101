//go:build unix && !linux

package discovery

import (
	"os"
	"time"
)

// stamp differs if a file may have changed.
type stamp struct {
	size  int64
	mtime time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{info.Size(), info.ModTime()} }
