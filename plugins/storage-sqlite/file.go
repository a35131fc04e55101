package sqlitestore

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// file records which files the sessions of a Store have open. An operator may replace the database
// with a backup or remove it. The sessions would then write into a file that has no name any more,
// so the Store must notice the change. file is safe for concurrent use.
type file struct {
	path string

	mu sync.Mutex
	// known has the files of fileSuffixes when a session last opened the database. Its entries are
	// nil before the first open, and for files that do not exist.
	known [3]os.FileInfo
	// pins are open handles of the known files. An open handle prevents the reuse of the file's
	// inode number.
	pins [3]*os.File
}

// fileSuffixes has the file name suffixes of the database, of its write-ahead log and of the log's
// index.
var fileSuffixes = [3]string{"", "-wal", "-shm"}

// wereOpen has the path of each database that this process has opened. If a database at one of
// these paths is missing, no Store of the process creates an empty database there.
var wereOpen sync.Map

func wasOpen(path string) bool {
	_, was := wereOpen.Load(path)
	return was
}

// isMissing reports whether no file exists at the path. It returns false if it cannot find out.
func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}

// settled is how long a replacement of the database must be unchanged before a Store opens it. A
// file that has changed more recently may be an unfinished copy.
const settled = 2 * time.Second

// remember records the files at the path as known. The caller has just opened a session on them.
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

// close closes all pins.
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

// replaced reports whether the database or its write-ahead log at the path is missing or is not the
// known file any more.
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

// checkReplacement returns an error if the sessions cannot be reopened on the file that is now at
// the path. That is so if the file is missing, or if it is a replacement that has changed within
// the duration settled. If the file is an acceptable replacement, checkReplacement removes the
// known write-ahead log, because SQLite would write the log's pages into the replacement.
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

// errReplaced returns the fault for a write to a database that was replaced before the write was
// committed.
func errReplaced() error {
	return fault.New(fault.ProviderFailed, "the database's file was replaced while this was written").By(fault.PartyHost).After(settled)
}
