package tenantdir

import (
	"context"
	"io/fs"
	"os"
	"time"

	"github.com/botyard/botyard/host/readfile"
)

const (
	// listPatience is how long a folder is waited for that was listed before.
	listPatience = 3 * time.Second
	// loadPatience is how long one is at the start.
	loadPatience = 30 * time.Second
)

// entry is what a folder says of a file in it; info and err are of a tenant's file that
// is no link.
type entry struct {
	name string
	mode fs.FileMode
	info fs.FileInfo
	err  error
}

// listing is one look at a folder on its way. The others are set before done is closed.
type listing struct {
	done    chan struct{}
	entries []entry
	err     error
}

// list answers what is in a folder. One whose file system does not answer is
// [readfile.ErrBlocked], after the patience the first time and at once from then on; once it
// has answered that is what the next look gets.
func (f *Follower) list(ctx context.Context, dir string, patience time.Duration) ([]entry, error) {
	l, waiting := f.listings[dir]
	if !waiting {
		l = &listing{done: make(chan struct{})}
		f.listings[dir] = l
		go func() {
			defer close(l.done)
			l.entries, l.err = f.o.list(dir)
		}()
	} else {
		patience = 0
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case <-l.done:
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
