package sqlitestore

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// Store keeps conversations and tenants in one file. Close it after the last call.
type Store struct {
	path    string
	file    *file
	layouts layouts
	log     hclog.Logger
	now     func() time.Time
	writer  *writer
	readers *readers
	opened  atomic.Bool // by the writer, once
	changes *bell       // rung when this Store changed a tenant
	janitor *janitor

	complaint  sync.Mutex
	complained time.Time
}

var (
	_ storage.Storage = (*Store)(nil)
	_ storage.Renewer = (*Store)(nil)
	_ io.Closer       = (*Store)(nil)
)

// Open makes a Store on the file that cfg names. A file that is not there is made by the
// first call that reads or writes. A path that can never serve is fault.Invalid. Trouble that may pass, as a full disk, is
// left to the calls: each tries again.
func Open(cfg Config, env sdk.Env) (*Store, error) {
	known, err := readLayouts(layoutFiles)
	if err != nil {
		return nil, err
	}
	return open(cfg, env, known, time.Now)
}

func open(cfg Config, env sdk.Env, known layouts, now func() time.Time) (*Store, error) {
	path, err := place(cfg.Path, env.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, file: &file{path: path}, layouts: known, log: env.Log, now: now, changes: newBell()}
	if s.log == nil {
		s.log = hclog.NewNullLogger()
	}
	s.readers = newReaders(path)
	s.writer = newWriter(s.openWriter, known.allowed)
	s.writer.moved, s.writer.retired = s.file.moved, s.readers.retire
	s.writer.start()
	if err := s.look(); err != nil {
		if bad := misplaced(err); bad != nil {
			return nil, errors.Join(bad, s.readers.close(), s.writer.close())
		}
		_ = s.classify(err) // tells the operator
	}
	s.janitor = newJanitor(s)
	return s, nil
}

// look opens the file, or says whether it could be made.
func (s *Store) look() error {
	if gone(s.path) && !wasOpen(s.path) {
		return try(s.path)
	}
	return s.writer.do(context.Background(), func(*session) error { return nil })
}

// exists refuses what is done to a database that is there, where none is.
func (s *Store) exists() error {
	if !gone(s.path) {
		return nil
	}
	return fault.New(fault.NotFound, "there is no database %s; is it another data_dir, or another path, that the host uses?", s.path).
		By(fault.PartyCaller)
}

// Close ends the Store after what it was asked to write.
func (s *Store) Close() error {
	s.janitor.close()
	return errors.Join(s.readers.close(), s.writer.close(), s.file.close())
}

// write runs f in a transaction with others and answers when all is on the disk. f may
// be run again when its transaction was lost.
func (s *Store) write(ctx context.Context, f func(*session) error) error {
	return s.classify(s.writer.do(ctx, f))
}

// read runs f in a transaction of its own, which sees one state of the database.
func (s *Store) read(ctx context.Context, f func(*session) error) error {
	if !s.opened.Load() || s.file.moved() {
		if err := s.write(ctx, func(*session) error { return nil }); err != nil {
			return err
		}
	}
	return s.classify(s.readers.do(ctx, func(r *session) error {
		if err := s.layouts.allowed(r); err != nil {
			return err
		}
		return f(r)
	}))
}

// Renew implements [storage.Renewer]. A lease that ran out, and that no Begin noticed
// yet, lives again. Holders whose leases ran out are forgotten: it is as if they had not
// been renewed.
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewalText(holders, lease); err != nil {
		return err
	}
	return s.write(ctx, func(tx *session) error {
		now := s.now()
		if _, err := tx.exec("DELETE FROM holders WHERE until <= ?", now.UnixNano()); err != nil {
			return err
		}
		until := after(now, lease)
		for _, holder := range holders {
			if _, err := tx.exec(`INSERT INTO holders (holder, until) VALUES (?, ?)
				ON CONFLICT DO UPDATE SET until = max(until, excluded.until)`, holder, until); err != nil {
				return err
			}
		}
		return nil
	})
}

// after is the end of a lease from t on.
func after(t time.Time, lease time.Duration) int64 {
	now := t.UnixNano()
	if now > math.MaxInt64-int64(lease) {
		return math.MaxInt64
	}
	return now + int64(lease)
}
