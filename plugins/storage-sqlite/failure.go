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

// When those who were refused may come again.
const (
	fullRetryAfter = 5 * time.Second
	busyRetryAfter = time.Second
)

// code is SQLite's result code in err's chain, without its extension; 0 if none.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func busy(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}

// broken reports whether the session is better opened anew.
func broken(err error) bool {
	switch code(err) {
	case 0:
		var p *panicked
		return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &p)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG:
		return false
	}
	return true
}

// classify turns what SQLite said into what the caller and the operator can act on.
// The database is the machine's: its troubles are the operator's to end.
func (s *Store) classify(err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var p *panicked
	if errors.As(err, &p) {
		s.log.Error("panic", "value", p.value, "stack", string(p.stack))
		return fault.New(fault.Internal, "the plugin panicked").By(fault.PartyPlugin)
	}
	out := explain(err, filepath.Base(s.path))
	if out.Party == fault.PartyHost {
		s.complain(out)
	}
	return out
}

// explain is of a database with the base name.
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
		// Whatever was asked for left nothing: the disk had no room for it.
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

const complainEvery = 10 * time.Second

// complain tells the operator, with the whole path, now and then.
func (s *Store) complain(e *fault.Error) {
	s.complaint.Lock()
	defer s.complaint.Unlock()
	if time.Since(s.complained) < complainEvery {
		return
	}
	s.complained = time.Now()
	s.log.Error("the database fails", "path", s.path, "error", e.Message, "cause", e.Err)
}
