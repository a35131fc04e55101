package tenantdir

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// stamp tells versions of a file apart without reading it. Tools that unpack files
// give all versions one time, but each is a file of its own.
type stamp struct {
	size     int64
	modified time.Time
	inode    uint64
}

// view is what a look at the folders shows.
type view struct {
	files  map[string]stamp // by path
	linked bool             // some are reached by links, whose targets nobody watches
}

// look lists the tenant files of all folders, and notes the folders that it could
// not list.
func (f *Follower) look() view {
	v := view{files: map[string]stamp{}}
	for _, dir := range f.o.Dirs {
		entries, err := os.ReadDir(dir)
		if was := f.lost[filepath.Clean(dir)]; err != nil && !was {
			f.o.Log.Error("tenant folder cannot be read: its tenants go on", "folder", dir, "error", err)
		}
		if f.lost[filepath.Clean(dir)] = err != nil; err != nil {
			continue
		}
		for _, e := range entries {
			if !isTenant(e.Name()) || e.IsDir() {
				continue
			}
			path := filepath.Join(dir, e.Name())
			s, ok := stampOf(path)
			if !ok {
				continue
			}
			v.files[path] = s
			v.linked = v.linked || e.Type()&fs.ModeSymlink != 0
		}
	}
	return v
}

// stampOf answers false for what is no regular file, nor leads to one: folders of
// links are usual.
func stampOf(path string) (stamp, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return stamp{}, false
	}
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = st.Ino
	}
	return s, true
}

// isTenant says whether a file of that name in a tenant folder is a tenant's.
func isTenant(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains([]string{".hcl", ".yaml", ".yml", ".json"}, filepath.Ext(name))
}

func idOf(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// outlook is what a scan leaves to do.
type outlook struct {
	pending bool // a file is about to settle
	leaving bool // a file is gone, and its tenant neither dropped nor held yet
	linked  bool // files are reached by links
}

// scan looks at everything once and acts on what settled.
func (f *Follower) scan(ctx context.Context) outlook {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.look()
	now := f.now()
	for path, s := range v.files {
		f.note(path, s, now)
	}
	for path, known := range f.files {
		_, there := v.files[path]
		switch {
		case there || known.held:
		case f.lost[filepath.Dir(path)]:
			known.missing = time.Time{} // a folder that cannot be read says nothing about its files
		case known.missing.IsZero():
			known.missing = now
		}
	}
	f.settle(ctx, v.files)
	f.vanish(ctx, false)
	out := outlook{linked: v.linked}
	for path, known := range f.files {
		_, there := v.files[path]
		out.pending = out.pending || (known.pending && there)
		out.leaving = out.leaving || (!known.missing.IsZero() && !known.held)
	}
	return out
}

// glance looks only at the files that are about to settle, however many others there
// are, and acts on those that did. It answers whether some are left.
func (f *Follower) glance(ctx context.Context) (pending bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	seen := map[string]stamp{}
	for path, known := range f.files {
		if !known.pending {
			continue
		}
		if s, ok := stampOf(path); ok { // else the next scan says what is to be done
			seen[path] = s
			f.note(path, s, now)
		}
	}
	f.settle(ctx, seen)
	for path := range seen {
		pending = pending || f.files[path].pending
	}
	return pending
}

// note takes down what a file that is there looks like.
func (f *Follower) note(path string, s stamp, now time.Time) {
	known, ok := f.files[path]
	switch {
	case !ok:
		f.files[path] = &file{id: idOf(path), stamp: s, changed: now, pending: true}
	case known.stamp != s:
		known.stamp, known.changed, known.pending = s, now, true
	case !known.missing.IsZero():
		// It is back as it was. If it was held its tenant is told no longer.
		known.pending = known.held
	}
	if ok {
		known.missing, known.held = time.Time{}, false
	}
}
