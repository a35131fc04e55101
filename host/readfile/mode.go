package readfile

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// OpenToAll answers the mode of the regular file at path, and whether every user of the
// machine may read it. That of a mounted Kubernetes volume is never said to be: its modes
// are for whoever is in the container, and it is known by the link ..data beside it. Nor
// is what cannot be looked at.
func OpenToAll(ctx context.Context, path string) (fs.FileMode, bool) {
	info, err := Bounded(ctx, path, func() (fs.FileInfo, error) {
		if link, err := os.Lstat(filepath.Join(filepath.Dir(path), "..data")); err == nil && link.Mode()&fs.ModeSymlink != 0 {
			return nil, fs.ErrNotExist
		}
		return os.Stat(path)
	})
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	mode := info.Mode().Perm()
	return mode, mode&0o004 != 0
}
