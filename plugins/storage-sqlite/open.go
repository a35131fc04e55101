package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// applicationID marks our databases, for file(1) and against mistakes.
	applicationID = 0x626f7479 // "boty"

	// lockPatience is how long a lock of another process is waited for.
	lockPatience = 5 * time.Second

	checkpointPages = 2000     // of 4 KiB in the write-ahead log before they are moved
	logBytesKept    = 64 << 20 // a longer write-ahead log is cut
	writerCacheKiB  = 16 << 10
	readerCacheKiB  = 4 << 10
)

// pragmas of every session. The writer waits for locks in a way of its own.
var (
	commonPragmas = []string{
		"synchronous(FULL)", // a commit is on the disk when it is answered
		"secure_delete(ON)", // deleted means gone
		"trusted_schema(OFF)", "temp_store(MEMORY)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		fmt.Sprintf("journal_size_limit(%d)", logBytesKept),
	}
	writerPragmas = append([]string{"busy_timeout(0)", cache(writerCacheKiB)}, commonPragmas...)
	readerPragmas = append([]string{fmt.Sprintf("busy_timeout(%d)", lockPatience.Milliseconds()), "query_only(ON)", cache(readerCacheKiB)}, commonPragmas...)
)

func cache(kib int) string { return fmt.Sprintf("cache_size(-%d)", kib) }

// connect opens a session on the file, which is there.
func connect(path string, pragmas []string) (*session, error) {
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas, "_error_rc": {"1"}, "_dqs": {"0"}}.Encode()}
	connector, err := sqlite.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &session{db: db, conn: conn, stmts: make(map[string]*sql.Stmt)}, nil
}

// openWriter makes the file if it was never there, and brings it to the layout.
func (s *Store) openWriter() (*session, error) {
	// As durable as fsync, in half the time, where the system has it.
	_, _ = sqlite.Fdatasync(true)
	if wasOpen(s.path) {
		if err := s.file.ready(); err != nil {
			return nil, err
		}
	} else if err := create(s.path); err != nil {
		return nil, err
	}
	var w *session
	err := patiently(func() (err error) {
		if w, err = connect(s.path, writerPragmas); err != nil {
			return err
		}
		err = s.prepareFile(w)
		if err == nil {
			err = s.file.note()
		}
		if err != nil {
			return errors.Join(err, w.close())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.opened.Store(true)
	wereOpen.Store(s.path, true)
	return w, nil
}

func (s *Store) prepareFile(w *session) error {
	if err := ours(w); err != nil {
		return err
	}
	if err := keepLog(w); err != nil {
		return err
	}
	_, err := s.layouts.expand(w)
	return err
}

// keepLog has the database written through a write-ahead log, which needs shared memory.
func keepLog(w *session) error {
	var mode string
	if _, err := w.get([]any{&mode}, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if mode != "wal" {
		return fault.New(fault.Invalid, "lies on a file system without shared memory, as network file systems are; choose a local one").At("path")
	}
	return nil
}

// ours refuses databases of other programs.
func ours(w *session) error {
	var id, tables int64
	err := w.transaction("BEGIN", func() error { // or we see a part of what a process makes that starts with us
		if _, err := w.get([]any{&id}, "PRAGMA application_id"); err != nil {
			return err
		}
		_, err := w.get([]any{&tables}, "SELECT count(*) FROM sqlite_schema")
		return err
	})
	if err == nil && id != applicationID && (id != 0 || tables > 0) {
		err = fault.New(fault.Invalid, "is the database of another program").At("path")
	}
	return err
}

// try says whether a database can be made at the path, where none is, without making it:
// whoever only looks at a configuration leaves no empty database behind, least of all in
// the place of one that was moved away.
func try(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(dir, ".try-")
	if err != nil {
		return err
	}
	err = tryIn(filepath.Join(scratch, filepath.Base(path)))
	return errors.Join(err, os.RemoveAll(scratch))
}

func tryIn(path string) error {
	if err := create(path); err != nil {
		return err
	}
	w, err := connect(path, writerPragmas)
	if err != nil {
		return err
	}
	return errors.Join(keepLog(w), w.close())
}

// create makes the folder and the file, for the host's user only. The file is not
// opened if it is there: closing it would take away locks of other sessions. Beside a
// write-ahead log none is made: SQLite would throw away what that alone has.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if gone(path) {
		if left, err := os.Stat(path + "-wal"); err == nil && left.Size() > 0 {
			return fault.New(fault.ProviderFailed, "the database's file is gone, but its write-ahead log %s-wal is there; "+
				"put the file back, or remove the log too", filepath.Base(path)).By(fault.PartyHost).After(settled)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close()) // or the file's name may be lost with the power
}

// patiently repeats f while another process has the lock that it needs. SQLite's own
// waiting sleeps up to 100 ms, much longer than a commit takes.
func patiently(f func() error) error {
	giveUp := time.Now().Add(lockPatience)
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 4*time.Millisecond) {
		err := f()
		if err == nil || !busy(err) || time.Now().After(giveUp) {
			return err
		}
		time.Sleep(wait/2 + rand.N(wait))
	}
}

// misplaced says of an error of the first opening that the path is bad, or answers
// nil for one that may pass.
func misplaced(err error) error {
	var known *fault.Error
	var path *fs.PathError
	switch c := code(err); {
	case errors.As(err, &known):
		if known.Class != fault.Invalid {
			return nil
		}
		return known.By(fault.PartyTenant)
	case c == sqlite3.SQLITE_NOTADB:
		return fault.New(fault.Invalid, "is no SQLite database: %w", err).At("path").By(fault.PartyTenant)
	case c == sqlite3.SQLITE_READONLY, c == sqlite3.SQLITE_CANTOPEN, c == sqlite3.SQLITE_PERM:
		return fault.New(fault.Invalid, "cannot be opened for writing; its folder and it must belong to the host's user: %w", err).At("path").By(fault.PartyTenant)
	case errors.As(err, &path) && !passing(path.Err):
		return fault.New(fault.Invalid, "cannot be made: %w", path.Err).At("path").By(fault.PartyTenant)
	}
	return nil
}
