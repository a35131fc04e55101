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
	// applicationID marks the databases of this plugin. The command file(1) shows it, and
	// checkOwner uses it to refuse databases of other programs.
	applicationID = 0x626f7479 // the letters "boty"

	// lockTimeout is how long a call waits for a lock of another process.
	lockTimeout = 5 * time.Second

	checkpointPages = 2000     // a checkpoint runs when the write-ahead log has this many pages of 4 KiB
	logBytesKept    = 64 << 20 // a checkpoint truncates the write-ahead log to this size
	writerCacheKiB  = 16 << 10
	readerCacheKiB  = 4 << 10
)

// These variables have the pragmas of sessions. The writer has no busy_timeout, because it waits
// for locks in retryBusy.
var (
	commonPragmas = []string{
		"synchronous(FULL)", // a commit returns when it is on the disk
		"secure_delete(ON)", // SQLite overwrites deleted text with zeros
		"trusted_schema(OFF)", "temp_store(MEMORY)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		fmt.Sprintf("journal_size_limit(%d)", logBytesKept),
	}
	writerPragmas = append([]string{"busy_timeout(0)", cache(writerCacheKiB)}, commonPragmas...)
	readerPragmas = append([]string{fmt.Sprintf("busy_timeout(%d)", lockTimeout.Milliseconds()), "query_only(ON)", cache(readerCacheKiB)}, commonPragmas...)
)

func cache(kib int) string { return fmt.Sprintf("cache_size(-%d)", kib) }

// connect opens a session on an existing file and sets the pragmas.
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

// openWriter opens the session for writing. If the file is missing and this process has never
// opened a database at the path, openWriter creates the file. It expands the database to the newest
// schema version.
func (s *Store) openWriter() (*session, error) {
	// fdatasync is as durable as fsync and takes half the time. Some operating systems do not have
	// it.
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

// prepareFile checks that the database belongs to this plugin, switches it to a write-ahead log,
// and expands it.
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

// enableWAL switches the database to a write-ahead log. It returns fault.Invalid if the file system
// has no shared memory, which the log needs.
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

// checkOwner returns fault.Invalid if the database belongs to another program.
func checkOwner(w *session) error {
	var id, tables int64
	// Without a transaction, checkOwner could see a database that another process has only partly
	// created.
	err := w.transaction("BEGIN", func() error {
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
