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

// snapshot is what one scan found in the folders.
type snapshot struct {
	files      map[string]stamp  // by path
	unreadable map[string]bool   // by path: a file exists, but its stamp cannot be read
	ignored    map[string]string // by path: why a file that looks like a tenant file is ignored; at most maxIgnored
	linked     bool              // some files are reached by links, whose targets are not watched
}

func newSnapshot() *snapshot {
	return &snapshot{files: map[string]stamp{}, unreadable: map[string]bool{}, ignored: map[string]string{}}
}

// stamp tells two versions of a file apart without reading it. Archives may give all
// versions of a file the same time, but then each version is an inode of its own.
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

// readFoldersLocked reads all folders. It updates which folders are lost and which files are
// ignored, and logs those that are new. Locked: mu is held.
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

// addLinked adds the target of a path that may be a link. The target may be on another file
// system that does not answer; then the file counts as unreadable.
func (s *snapshot) addLinked(ctx context.Context, path string) {
	info, err := readfile.Bounded(ctx, path, func() (fs.FileInfo, error) { return os.Stat(path) })
	s.add(path, info, err)
}

// add adds a file. err is why info could not be read.
func (s *snapshot) add(path string, info fs.FileInfo, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// It was removed since the folder was listed, or it is a link to nothing.
	case err != nil:
		s.unreadable[path] = true
		s.ignore(path, "it cannot be looked at, and counts as unchanged: "+err.Error())
	case info.IsDir():
		s.ignore(path, "it is a folder")
	default:
		s.files[path] = stampOf(info)
	}
}

// maxIgnored bounds the ignored files that are kept and shown.
const maxIgnored = 100

func (s *snapshot) ignore(path, why string) {
	if len(s.ignored) < maxIgnored {
		s.ignored[path] = why
	}
}
