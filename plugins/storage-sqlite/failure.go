package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// These durations are the suggested waits before a retry.
const (
	fullRetryAfter = 5 * time.Second
	busyRetryAfter = time.Second
)

// code returns the primary result code of the SQLite error in err's chain, or 0 if there is none.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// busy reports whether err says that another session has a lock on the database.
func busy(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}

// sessionBroken reports whether the session that returned err should be closed.
func sessionBroken(err error) bool {
	switch code(err) {
	case 0:
		var p *panicError
		return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &p)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG:
		return false
	}
	return true
}

// classify returns the fault that the caller gets for err. It logs failures of the host's machine
// and panics. It returns faults and context errors unchanged. Most faults have the host as party,
// because the file is on the host's machine.
func (s *Store) classify(err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var p *panicError
	if errors.As(err, &p) {
		s.log.Error("panic", "value", p.value, "stack", string(p.stack))
		return fault.New(fault.Internal, "the plugin panicked").By(fault.PartyPlugin)
	}
	out := explain(err, filepath.Base(s.path))
	if out.Party == fault.PartyHost {
		s.logFailure(out)
	}
	return out
}

// explain returns the fault for an error of SQLite or of the file system. base is the file name of
// the database.
func explain(err error, base string) *fault.Error {
	var e *fault.Error
	c := code(err)
	var file *fs.PathError
	if errors.As(err, &file) {
		c = sqlite3.SQLITE_CANTOPEN
		if outOfSpace(file.Err) {
			c = sqlite3.SQLITE_FULL
		}
	}
	switch c {
	case sqlite3.SQLITE_FULL:
		// SQLite has rolled the write back, so that a retry cannot apply the write twice.
		e = fault.New(fault.ProviderFailed, "the disk with the database %s is full; make room on it: %w", base, err).After(fullRetryAfter)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		e = fault.New(fault.ProviderFailed, "another program keeps the database %s locked, a backup or a shell with an open transaction; end it: %w", base, err).After(busyRetryAfter)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		e = fault.New(fault.ProviderFailed, "the database %s cannot be opened for writing; see to it that its folder is there and belongs to the host's user: %w", base, err)
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS:
		e = fault.New(fault.ProviderFailed, "the disk with the database %s failed; see the system's log: %w", base, err)
	case sqlite3.SQLITE_NOMEM:
		e = fault.New(fault.ProviderFailed, "the machine has no memory left for the database %s: %w", base, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		e = fault.New(fault.Internal, "the database %s is damaged; put a backup in its place, or what sqlite3's .recover makes of it: %w", base, err)
	case sqlite3.SQLITE_TOOBIG:
		return fault.New(fault.Invalid, "is more than the database %s takes in one piece: %w", base, err)
	default:
		return fault.New(fault.Internal, "the database %s: %w", base, err).By(fault.PartyPlugin)
	}
	return e.By(fault.PartyHost)
}

const logEvery = 10 * time.Second

// logFailure logs the fault with the full path of the database. It logs at most one fault in
// logEvery.
func (s *Store) logFailure(e *fault.Error) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	if time.Since(s.logged) < logEvery {
		return
	}
	s.logged = time.Now()
	s.log.Error("the database fails", "path", s.path, "error", e.Message, "cause", e.Err)
}

// pathFault returns a fault if the first attempt to open the database failed because of its path,
// so that no later attempt can succeed. err is the error of that attempt. pathFault returns nil for
// an error that may be temporary.
func pathFault(err error) error {
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
	case errors.As(err, &path) && !transientErrno(path.Err):
		return fault.New(fault.Invalid, "cannot be made: %w", path.Err).At("path").By(fault.PartyTenant)
	}
	return nil
}
