package readfile

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
)

// WorldReadable returns the mode of the regular file at path, and reports whether every user of the
// machine may read the file. It reports false if reading the mode fails. It also reports false for
// files of Kubernetes volumes, which have a link named ..data in their folder: only the container
// sees such a file, so its mode does not matter.
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
