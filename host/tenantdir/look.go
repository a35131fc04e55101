package tenantdir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/botyard/botyard/host/readfile"
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
	files   map[string]stamp  // by path
	unsure  map[string]bool   // paths that are there, and of which nothing else can be said
	ignored map[string]string // what looks like a tenant's file and is none: why; ignoredMost at most
	linked  bool              // some are reached by links, whose targets nobody watches
}

// ignoredMost bounds the files of which it is told that they are ignored.
const ignoredMost = 100

func (v *view) ignore(path, why string) {
	if len(v.ignored) < ignoredMost {
		v.ignored[path] = why
	}
}

// look lists the tenant files of all folders, and notes the folders that it could
// not list.
func (f *Follower) look(ctx context.Context) view {
	v := view{files: map[string]stamp{}, unsure: map[string]bool{}, ignored: map[string]string{}}
	for _, dir := range f.o.Dirs {
		entries, err := f.list(ctx, dir, listPatience)
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
					v.ignore(path, misnamed())
				}
			case e.mode&fs.ModeSymlink != 0:
				v.linked = true
				f.lookAt(ctx, path, &v)
			default:
				v.take(path, e.info, e.err)
			}
		}
	}
	for path, why := range v.ignored {
		if f.ignored[path] != why {
			f.o.Log.Warn("file in a tenant folder is ignored", "file", path, "reason", why)
		}
	}
	f.ignored = v.ignored
	return v
}

// lookAt takes down what a file looks like where its links lead, which is another
// file system perhaps.
func (f *Follower) lookAt(ctx context.Context, path string, v *view) {
	info, err := readfile.Bounded(ctx, path, func() (fs.FileInfo, error) { return os.Stat(path) })
	v.take(path, info, err)
}

// take takes down what a file looks like, as far as that could be seen.
func (v *view) take(path string, info fs.FileInfo, err error) {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// It went meanwhile, or it is a link that leads nowhere.
	case err != nil:
		v.unsure[path] = true
		v.ignore(path, "it cannot be looked at, and counts as unchanged: "+err.Error())
	case info.IsDir():
		v.ignore(path, "it is a folder")
	default:
		v.files[path] = stampOf(info)
	}
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), modified: info.ModTime()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = st.Ino
	}
	return s
}

// extensions are those of tenant files.
var extensions = []string{".hcl", ".json", ".yaml", ".yml"}

// isTenant says whether a file of that name in a tenant folder is a tenant's.
func isTenant(name string) bool {
	return !strings.HasPrefix(name, ".") && slices.Contains(extensions, filepath.Ext(name))
}

// resembles says whether somebody may take a file of that name for a tenant's, which
// it is not: acme.YAML, acme.yaml.bak. What editors leave is nobody's.
func resembles(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") {
		return false
	}
	parts := strings.Split(strings.ToLower(name), ".")
	return slices.ContainsFunc(parts[1:], func(part string) bool { return slices.Contains(extensions, "."+part) })
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
	v := f.look(ctx)
	if ctx.Err() != nil {
		return outlook{} // not all was seen
	}
	now := f.now()
	for path, s := range v.files {
		f.note(path, s, now)
	}
	for path, known := range f.files {
		_, there := v.files[path]
		switch {
		case there:
			if !known.again.IsZero() && !now.Before(known.again) {
				known.pending = true
			}
		case v.unsure[path], f.lost[filepath.Dir(path)]:
			// A folder that cannot be read says nothing about its files.
			if t := known.tenant; known.gone && !t.held {
				known.gone, t.missing = false, time.Time{}
			}
		case !known.gone:
			f.leave(known, now)
		}
	}
	f.settle(ctx, v)
	f.vanish(ctx, false)
	out := outlook{linked: v.linked}
	for path, known := range f.files {
		_, there := v.files[path]
		out.pending = out.pending || there && (known.pending || known.tenant.judging)
	}
	for _, t := range f.tenants {
		out.leaving = out.leaving || (!t.missing.IsZero() && !t.held)
	}
	return out
}

// glance looks only at the files that are about to settle, however many others there
// are, and acts on those that did. It answers whether some are left.
func (f *Follower) glance(ctx context.Context) (pending bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	seen := view{files: map[string]stamp{}, unsure: map[string]bool{}, ignored: map[string]string{}}
	for path, known := range f.files {
		if !known.pending {
			continue
		}
		f.lookAt(ctx, path, &seen)
	}
	for path, s := range seen.files { // of the others the next scan says what is to be done
		f.note(path, s, now)
	}
	f.settle(ctx, seen)
	for path := range seen.files {
		if known := f.files[path]; known != nil {
			pending = pending || known.pending || known.tenant.judging
		}
	}
	return pending
}
