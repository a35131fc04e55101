package sqlitestore

import (
	"context"
	"errors"
)

const readerCount = 4

// readers has the sessions for reading. They do not wait for the writer, and the writer does not
// wait for them. Any number of goroutines may call do. Only the writer calls retire.
type readers struct {
	path string
	free chan *session // nil stands for a session that is not open
}

func newReaders(path string) *readers {
	r := &readers{path: path, free: make(chan *session, readerCount)}
	for range readerCount {
		r.free <- nil
	}
	return r
}

// do runs f in a transaction that sees the database at one moment. It waits for a free session. It
// opens the session if necessary, and closes a session that may be broken.
func (r *readers) do(ctx context.Context, f func(*session) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	var s *session
	select {
	case s = <-r.free:
	case <-ctx.Done():
		return ctx.Err()
	}
	sound := false // stays false if f panics
	defer func() {
		if !sound && s != nil {
			err = errors.Join(err, s.close())
			s = nil
		}
		r.free <- s
	}()
	if s == nil {
		if s, err = connect(r.path, readerPragmas); err != nil {
			return err
		}
	}
	if _, err = s.exec("BEGIN"); err != nil {
		return err
	}
	err = f(s)
	if code(err) != 0 {
		return err
	}
	if _, endErr := s.exec("COMMIT"); endErr != nil {
		return errors.Join(err, endErr)
	}
	sound = true
	return err
}

// close waits until all sessions are free and closes them.
func (r *readers) close() error {
	var wrong []error
	for range readerCount {
		if s := <-r.free; s != nil {
			wrong = append(wrong, s.close())
		}
	}
	return errors.Join(wrong...)
}

// retire closes all sessions, because the database was replaced. The next reads open new sessions.
func (r *readers) retire() error {
	err := r.close()
	for range readerCount {
		r.free <- nil
	}
	return err
}
