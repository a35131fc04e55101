package sqlitestore

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// file remembers which database file the sessions of a Store are open on. Somebody may put a
// backup in its place, or remove it. The open sessions would then write into a file that nobody
// reads any more.
type file struct {
	path string

	mu    sync.Mutex
	known [3]os.FileInfo // the files of fileSuffixes at the last open; nil before
	pins  [3]*os.File    // keep the known files' inode numbers from being used again
}

// fileSuffixes are the file name suffixes of the database, its write-ahead log and the log's index.
var fileSuffixes = [3]string{"", "-wal", "-shm"}

// wereOpen has the paths of all databases that this process has opened. When such a database is
// missing, no Store of the process creates it anew.
var wereOpen sync.Map

func wasOpen(path string) bool {
	_, was := wereOpen.Load(path)
	return was
}

// isMissing reports whether there is certainly no file at the path.
func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// settled is how long a file that took the database's place must be unchanged before it is opened.
// Until then it may be a copy that is still being written.
const settled = 2 * time.Second

// remember records the files that a session has just been opened on.
func (f *file) remember() error {
	var now [3]os.FileInfo
	var pins [3]*os.File
	for i, suffix := range fileSuffixes {
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

// close closes the pins.
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

// replaced reports whether the path now names another file than the sessions are open on, or
// no file, or whether the write-ahead log is another one.
func (f *file) replaced() bool {
	f.mu.Lock()
	known := f.known
	f.mu.Unlock()
	for i := range 2 {
		if known[i] == nil {
			continue
		}
		now, err := os.Stat(f.path + fileSuffixes[i])
		if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, known[i]) {
			return true
		}
	}
	return false
}

// checkReplacement returns an error if the file at the path cannot be opened in place of the
// known one: it is missing, or was changed a moment ago. It removes the write-ahead log of the
// known file, whose pages SQLite would write into the new one.
func (f *file) checkReplacement() error {
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
	for i, suffix := range fileSuffixes[1:] {
		if left, err := os.Stat(f.path + suffix); err == nil && known[i+1] != nil && os.SameFile(left, known[i+1]) {
			if err := os.Remove(f.path + suffix); err != nil {
				return err
			}
		}
	}
	return nil
}

// errReplaced returns the fault of a write into a file that was moved away meanwhile.
func errReplaced() error {
	return fault.New(fault.ProviderFailed, "the database's file was replaced while this was written").By(fault.PartyHost).After(settled)
}
