package sqlitestore

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// file is which database the sessions of a Store are open on. A path can come to name
// another one, when somebody puts a backup in its place, or none. What a session writes
// then goes into a file that nobody reads any more.
type file struct {
	path string

	mu    sync.Mutex
	known [3]os.FileInfo // of the database and what lies beside it, since the last open; nil before
	pins  [3]*os.File    // of the known: their numbers are given to no other file meanwhile
}

// beside are the database and its write-ahead log with that one's index.
var beside = [3]string{"", "-wal", "-shm"}

// wereOpen has the paths of the databases that this process had open, until its end. One
// of them that is gone is not made anew by another Store either.
var wereOpen sync.Map

func wasOpen(path string) bool {
	_, was := wereOpen.Load(path)
	return was
}

// gone reports whether there is certainly nothing at the path.
func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// settled is how long a file that took the database's place must not have changed: a copy
// that is still being written is not opened.
const settled = 2 * time.Second

// note remembers the files that a session has just been opened on.
func (f *file) note() error {
	var now [3]os.FileInfo
	var pins [3]*os.File
	for i, suffix := range beside {
		info, held, err := pin(f.path + suffix)
		if err != nil && (i == 0 || !errors.Is(err, fs.ErrNotExist)) {
			return errors.Join(err, unpin(pins))
		}
		now[i], pins[i] = info, held
	}
	f.mu.Lock()
	before := f.pins
	f.known, f.pins = now, pins
	f.mu.Unlock()
	return unpin(before)
}

// close gives up what note remembers the files by.
func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.pins
	f.pins = [3]*os.File{}
	return unpin(before)
}

func unpin(pins [3]*os.File) error {
	var errs []error
	for _, p := range pins {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// moved reports whether the path has come to name another file than the sessions are
// open on, or none, or another write-ahead log.
func (f *file) moved() bool {
	f.mu.Lock()
	known := f.known
	f.mu.Unlock()
	for i := range 2 {
		if known[i] == nil {
			continue
		}
		now, err := os.Stat(f.path + beside[i])
		if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, known[i]) {
			return true
		}
	}
	return false
}

// ready says why the file at the path, which is not the known one, cannot be opened; it
// must not be made anew. A write-ahead log that the replaced file left behind is taken
// away: SQLite would write its pages into the new one.
func (f *file) ready() error {
	now, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.ProviderFailed, "the database's file is gone; put it back, or a backup in its place").
			By(fault.PartyHost).After(settled)
	case err != nil:
		return err
	}
	f.mu.Lock()
	known := f.known
	f.mu.Unlock()
	if known[0] == nil || os.SameFile(now, known[0]) {
		return nil
	}
	if time.Since(now.ModTime()) < settled {
		return fault.New(fault.ProviderFailed, "the database was replaced by a file that changed a moment ago; it is opened when it changes no more").
			By(fault.PartyHost).After(settled)
	}
	for i, suffix := range beside[1:] {
		if left, err := os.Stat(f.path + suffix); err == nil && known[i+1] != nil && os.SameFile(left, known[i+1]) {
			if err := os.Remove(f.path + suffix); err != nil {
				return err
			}
		}
	}
	return nil
}

// errReplaced is of what was written into a file that was moved away meanwhile.
func errReplaced() error {
	return fault.New(fault.ProviderFailed, "the database's file was replaced while this was written").By(fault.PartyHost).After(settled)
}
