package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
)

// session is one connection to the database with its prepared statements. Only one goroutine at a
// time may use a session. Its statements are short, and a context does not cancel them.
type session struct {
	db    *sql.DB // a pool that has only conn
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// prepare returns the prepared statement of the query. It prepares each query once in a session.
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

// exec runs a statement and returns the number of changed rows.
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

// get scans the first row of the result into dest. It reports whether the result has a row.
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

// each calls f for each row of the result, until f returns false or an error.
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

// script runs SQL statements once, without preparing them.
func (s *session) script(statements string) error {
	_, err := s.conn.ExecContext(context.Background(), statements)
	return err
}

// transaction runs the statement begin, then f, and then COMMIT. If f or COMMIT fails, transaction
// rolls back.
func (s *session) transaction(begin string, f func() error) error {
	if _, err := s.exec(begin); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = s.exec("COMMIT")
	}
	if err != nil {
		_, _ = s.exec("ROLLBACK") // ROLLBACK fails if SQLite has already rolled back
	}
	return err
}

func (s *session) close() error {
	for _, p := range s.stmts {
		// The error is ignored, because closing the connection frees the statements too.
		_ = p.Close()
	}
	return errors.Join(s.conn.Close(), s.db.Close())
}
