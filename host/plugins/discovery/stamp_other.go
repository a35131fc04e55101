//go:build unix && !linux

package discovery

import (
	"os"
	"time"
)

// stamp identifies a state of a file. Two stamps of a file differ if the file may have
// changed in between.
type stamp struct {
	size  int64
	mtime time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{info.Size(), info.ModTime()} }
