package readfile

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// WorldReadable returns the mode of the regular file at path, and reports whether every user
// of the machine may read it. It reports false if it cannot find out. It also reports false
// for files of Kubernetes volumes, which have a link ..data beside them: only the container
// sees those, whatever their mode is.
func WorldReadable(ctx context.Context, path string) (fs.FileMode, bool) {
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
