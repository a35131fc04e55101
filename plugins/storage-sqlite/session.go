package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
)

// session is one connection and the statements that are prepared on it. One goroutine uses it at
// a time. Its statements cannot be interrupted; they are short.
type session struct {
	db    *sql.DB // has only this connection
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// prepare returns the statement, prepared once.
func (s *session) prepare(query string) (*sql.Stmt, error) {
	if p := s.stmts[query]; p != nil {
		return p, nil
	}
	p, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	s.stmts[query] = p
	return p, nil
}

// exec runs a statement and returns how many rows it changed.
func (s *session) exec(query string, args ...any) (int64, error) {
	p, err := s.prepare(query)
	if err != nil {
		return 0, err
	}
	r, err := p.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// get scans the first row into dest and reports whether there was one.
func (s *session) get(dest []any, query string, args ...any) (bool, error) {
	p, err := s.prepare(query)
	if err != nil {
		return false, err
	}
	err = p.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each calls f for every row, until f returns false or an error.
func (s *session) each(f func(*sql.Rows) (bool, error), query string, args ...any) error {
	p, err := s.prepare(query)
	if err != nil {
		return err
	}
	rows, err := p.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	for on := true; on && rows.Next(); {
		if on, err = f(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return rows.Close()
}

// script runs statements without keeping them prepared.
func (s *session) script(statements string) error {
	_, err := s.conn.ExecContext(context.Background(), statements)
	return err
}

// transaction runs f between the statement begin and COMMIT. It rolls back when f fails.
func (s *session) transaction(begin string, f func() error) error {
	if _, err := s.exec(begin); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = s.exec("COMMIT")
	}
	if err != nil {
		_, _ = s.exec("ROLLBACK") // fails if SQLite did it already
	}
	return err
}

func (s *session) close() error {
	for _, p := range s.stmts {
		_ = p.Close() // closing the connection is what counts
	}
	return errors.Join(s.conn.Close(), s.db.Close())
}
