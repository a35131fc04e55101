package tenantdir

import (
	"context"
	"io/fs"
	"os"
	"time"

	"github.com/botyard/botyard/host/readfile"
)

const (
	// listTimeout is how long a scan waits for the entries of a folder.
	listTimeout = 3 * time.Second
	// firstListTimeout is how long Load waits for the entries of a folder.
	firstListTimeout = 30 * time.Second
)

// entry is an entry of a folder. info and err are set for tenant files that are not symbolic
// links.
type entry struct {
	name string
	mode fs.FileMode
	info fs.FileInfo
	err  error
}

// listing is a running read of a folder's entries. entries and err may be read after done is
// closed.
type listing struct {
	done    chan struct{}
	entries []entry
	err     error
}

// listLocked returns the entries of a folder. If the file system does not respond within the
// timeout, the error is [readfile.ErrBlocked]. The listing then goes on in the background.
// Later calls do not wait for it, and the first call after its end returns its result. Locked:
// mu is held.
func (f *Follower) listLocked(ctx context.Context, dir string, timeout time.Duration) ([]entry, error) {
	l, blocked := f.listings[dir]
	if !blocked {
		l = &listing{done: make(chan struct{})}
		f.listings[dir] = l
		go func() {
			defer close(l.done)
			l.entries, l.err = f.o.list(dir)
		}()
	} else {
		timeout = 0
	}
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case <-l.done: // A finished listing counts even if the timer has ended too.
		delete(f.listings, dir)
		return l.entries, l.err
	default:
	}
	select {
	case <-l.done:
		delete(f.listings, dir)
		return l.entries, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-limit.C:
		return nil, &fs.PathError{Op: "list", Path: dir, Err: readfile.ErrBlocked}
	}
}

// listFolder reads the entries of a folder. It has no timeout.
func listFolder(dir string) ([]entry, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	out := make([]entry, len(found))
	for i, e := range found {
		out[i] = entry{name: e.Name(), mode: e.Type()}
		if isTenant(e.Name()) && e.Type()&fs.ModeSymlink == 0 {
			out[i].info, out[i].err = e.Info()
		}
	}
	return out, nil
}
