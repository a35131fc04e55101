package tenantdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/botyard/botyard/host/readfile"
)

// snapshot is what one scan found in the tenant folders.
type snapshot struct {
	files      map[string]stamp  // by path
	unreadable map[string]bool   // by path: the file exists, but its stamp cannot be read
	ignored    map[string]string // by path: why the file is ignored; at most maxIgnored entries
	linked     bool              // some files are links, whose targets are not watched
}

func newSnapshot() *snapshot {
	return &snapshot{files: map[string]stamp{}, unreadable: map[string]bool{}, ignored: map[string]string{}}
}

// stamp distinguishes two versions of a file without reading the file. The inode is needed
// because an archive may give all versions of a file the same time; each version then has an
// inode of its own.
type stamp struct {
	size     int64
	modified time.Time
	inode    uint64
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = st.Ino
	}
	return s
}

// readFoldersLocked reads all folders. It updates f.lost and f.ignored, and logs folders and
// files that it adds to them. Locked: mu is held.
func (f *Follower) readFoldersLocked(ctx context.Context) *snapshot {
	seen := newSnapshot()
	for _, dir := range f.o.Dirs {
		entries, err := f.listLocked(ctx, dir, listTimeout)
		if was := f.lost[filepath.Clean(dir)]; err != nil && !was && ctx.Err() == nil {
			f.o.Log.Error("tenant folder cannot be read: its tenants go on", "folder", dir, "error", err)
		}
		if f.lost[filepath.Clean(dir)] = err != nil; err != nil {
			continue
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.name)
			switch {
			case !isTenant(e.name):
				if !e.mode.IsDir() && resembles(e.name) {
					seen.ignore(path, misnamed())
				}
			case e.mode&fs.ModeSymlink != 0:
				seen.linked = true
				seen.addLinked(ctx, path)
			default:
				seen.add(path, e.info, e.err)
			}
		}
	}
	for path, why := range seen.ignored {
		if f.ignored[path] != why {
			f.o.Log.Warn("file in a tenant folder is ignored", "file", path, "reason", why)
		}
	}
	f.ignored = seen.ignored
	return seen
}

// addLinked adds the file at a path that may be a link. If the link's target is on a file
// system that does not respond, the file counts as unreadable.
func (s *snapshot) addLinked(ctx context.Context, path string) {
	info, err := readfile.Bounded(ctx, path, func() (fs.FileInfo, error) { return os.Stat(path) })
	s.add(path, info, err)
}

// add adds the file at path. err is the error of reading info.
func (s *snapshot) add(path string, info fs.FileInfo, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// The file was removed after the folder was listed, or the path is a link without a
		// target.
	case err != nil:
		s.unreadable[path] = true
		s.ignore(path, "it cannot be looked at, and counts as unchanged: "+err.Error())
	case info.IsDir():
		s.ignore(path, "it is a folder")
	default:
		s.files[path] = stampOf(info)
	}
}

// maxIgnored bounds the number of ignored files in a snapshot.
const maxIgnored = 100

func (s *snapshot) ignore(path, why string) {
	if len(s.ignored) < maxIgnored {
		s.ignored[path] = why
	}
}
