package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"modernc.org/sqlite"
)

const (
	// applicationID marks our databases, for file(1) and against mistakes.
	applicationID = 0x626f7479 // "boty"

	// lockTimeout bounds the wait for a lock of another process.
	lockTimeout = 5 * time.Second

	checkpointPages = 2000     // pages of 4 KiB in the write-ahead log before a checkpoint
	logBytesKept    = 64 << 20 // a longer write-ahead log is cut
	writerCacheKiB  = 16 << 10
	readerCacheKiB  = 4 << 10
)

// The pragmas of sessions. The writer has no busy_timeout: it waits for locks by retryBusy.
var (
	commonPragmas = []string{
		"synchronous(FULL)", // a commit returns when it is on the disk
		"secure_delete(ON)", // deleted text is overwritten
		"trusted_schema(OFF)", "temp_store(MEMORY)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		fmt.Sprintf("journal_size_limit(%d)", logBytesKept),
	}
	writerPragmas = append([]string{"busy_timeout(0)", cache(writerCacheKiB)}, commonPragmas...)
	readerPragmas = append([]string{fmt.Sprintf("busy_timeout(%d)", lockTimeout.Milliseconds()), "query_only(ON)", cache(readerCacheKiB)}, commonPragmas...)
)

func cache(kib int) string { return fmt.Sprintf("cache_size(-%d)", kib) }

// connect opens a session on an existing file.
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

// openWriter opens the session for writing. It creates the file if it never existed, and expands
// the database to the newest schema version.
func (s *Store) openWriter() (*session, error) {
	// fdatasync is as durable as fsync and takes half the time. Not all systems have it.
	_, _ = sqlite.Fdatasync(true)
	if wasOpen(s.path) {
		if err := s.file.checkReplacement(); err != nil {
			return nil, err
		}
	} else if err := create(s.path); err != nil {
		return nil, err
	}
	var w *session
	err := retryBusy(func() (err error) {
		if w, err = connect(s.path, writerPragmas); err != nil {
			return err
		}
		err = s.prepareFile(w)
		if err == nil {
			err = s.file.remember()
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

// prepareFile checks the opened file and expands it.
func (s *Store) prepareFile(w *session) error {
	if err := checkOwner(w); err != nil {
		return err
	}
	if err := enableWAL(w); err != nil {
		return err
	}
	_, err := s.migrations.expand(w)
	return err
}

// enableWAL makes the database use a write-ahead log, which needs shared memory.
func enableWAL(w *session) error {
	var mode string
	if _, err := w.get([]any{&mode}, "PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if mode != "wal" {
		return fault.New(fault.Invalid, "lies on a file system without shared memory, as network file systems are; choose a local one").At("path")
	}
	return nil
}

// checkOwner refuses databases of other programs.
func checkOwner(w *session) error {
	var id, tables int64
	err := w.transaction("BEGIN", func() error { // otherwise we may see half of what another process is creating
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
