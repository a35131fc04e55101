package sqlitestore

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Store keeps conversations and registered tenants in one SQLite file. It is safe for concurrent
// use. Close must follow the last call.
type Store struct {
	path       string
	file       *file
	migrations migrations
	log        hclog.Logger
	now        func() time.Time
	writer     *writer
	readers    *readers
	opened     atomic.Bool // true after the writer has opened the file
	changes    *notifier   // notified when this Store has changed a registered tenant
	janitor    *janitor

	logMu  sync.Mutex
	logged time.Time
}

var (
	_ storage.Storage = (*Store)(nil)
	_ io.Closer       = (*Store)(nil)
	_ sdk.Checker     = (*Store)(nil)
)

// Open returns a Store on the file that cfg names. If the file does not exist, the first call that
// reads or writes creates it. Open returns fault.Invalid for a path at which no call can ever
// succeed. After a failure that may be temporary, such as a full disk, Open succeeds, and each call
// tries to open the file again.
func Open(cfg Config, env sdk.Env) (*Store, error) {
	known, err := readMigrations(migrationFiles)
	if err != nil {
		return nil, err
	}
	return open(cfg, env, known, time.Now)
}

func open(cfg Config, env sdk.Env, known migrations, now func() time.Time) (*Store, error) {
	path, err := resolvePath(cfg.Path, env.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, file: &file{path: path}, migrations: known, log: env.Log, now: now, changes: newNotifier()}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	s.readers = newReaders(path)
	s.writer = newWriter(s.openWriter, known.checkOldest)
	s.writer.replaced, s.writer.retired = s.file.replaced, s.readers.retire
	s.writer.start()
	if err := s.openOrTry(); err != nil {
		if bad := pathFault(err); bad != nil {
			return nil, errors.Join(bad, s.readers.close(), s.writer.close())
		}
		_ = s.classify(err) // classify logs the error
	}
	s.janitor = newJanitor(s)
	return s, nil
}

// openOrTry opens the file if it exists or if this process has opened it before. Otherwise
// openOrTry only checks whether the file can be created.
func (s *Store) openOrTry() error {
	if isMissing(s.path) && !wasOpen(s.path) {
		return tryCreate(s.path)
	}
	return s.writer.do(context.Background(), func(*session) error { return nil })
}

// requireFile returns fault.NotFound if the database does not exist.
func (s *Store) requireFile() error {
	if !isMissing(s.path) {
		return nil
	}
	return fault.New(fault.NotFound, "there is no database %s; is it another data_dir, or another path, that the host uses?", s.path).
		By(fault.PartyCaller)
}

// Close waits for the queued writes and closes all sessions of the Store.
func (s *Store) Close() error {
	s.janitor.close()
	return errors.Join(s.readers.close(), s.writer.close(), s.file.close())
}

// write runs f in a transaction, which other writes may share. It returns when the transaction is
// on the disk. If the transaction fails because of another write, f is run again, so that f must
// not change anything outside of the database.
func (s *Store) write(ctx context.Context, f func(*session) error) error {
	return s.classify(s.writer.do(ctx, f))
}

// read runs f in a transaction that sees the database at one moment.
func (s *Store) read(ctx context.Context, f func(*session) error) error {
	if !s.opened.Load() || s.file.replaced() {
		if err := s.write(ctx, func(*session) error { return nil }); err != nil {
			return err
		}
	}
	return s.classify(s.readers.do(ctx, func(r *session) error {
		if err := s.migrations.checkOldest(r); err != nil {
			return err
		}
		return f(r)
	}))
}
