package pgstore

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// lookTimeout bounds finding out about the database, and migrateTimeout changing it.
const (
	lookTimeout    = 20 * time.Second
	migrateTimeout = 10 * time.Minute
)

// flight is one attempt to find out about the database.
type flight struct {
	done chan struct{} // closed when the rest is set
	base *base
	err  error
}

// ready answers what is known of the database, and finds it out first if need be.
// However many calls wait for that, it is done once.
func (s *Store) ready(ctx context.Context) (*base, error) {
	if b := s.base.Load(); b != nil {
		return b, nil
	}
	f := s.fly()
	select {
	case <-f.done:
		return f.base, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fly starts an attempt, or joins the one that is on. It does not end with the call
// that started it: others wait too.
func (s *Store) fly() *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		return s.flight
	}
	f := &flight{done: make(chan struct{})}
	s.flight = f
	s.flights.Go(func() {
		f.base, f.err = s.prepared(s.life)
		if f.err == nil {
			s.pool.prepares(!f.base.pooled && !s.forgetful.Load())
			s.base.Store(f.base)
		}
		s.mu.Lock()
		s.flight = nil
		s.mu.Unlock()
		close(f.done)
	})
	return f
}

// prepared is prepare, whatever the server answers: nobody else would hear of a panic.
func (s *Store) prepared(ctx context.Context) (b *base, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic", "value", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = tooMuch("answers what it was not asked")
		}
	}()
	return s.prepare(ctx)
}

// prepare looks at the database and migrates it if it has to.
func (s *Store) prepare(ctx context.Context) (*base, error) {
	st, pooled, err := s.glance(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.usable(st); err != nil {
		return nil, err
	}
	role, ok := st.as()
	if !ok || st.layout < len(s.steps) {
		if _, err := s.migrate(ctx, storage.MigrateOptions{}); err != nil {
			return nil, err
		}
		if st, _, err = s.glance(ctx); err != nil {
			return nil, err
		}
		if role, ok = st.as(); !ok {
			if !st.safe() {
				c := &s.cfg
				return nil, fault.New(fault.Invalid, "the login may bypass row-level security and does not get the role %s; grant it", appRole).
					At(c.where(c.Connection.User, "connection.user")).By(fault.PartyTenant)
			}
			role = "none"
		}
	}
	return &base{role: role, pooled: pooled}, nil
}

// glance is a look without a lock.
func (s *Store) glance(ctx context.Context) (*state, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	defer c.Release()
	var st *state
	err = pgx.BeginFunc(ctx, c.Conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownPath); err != nil {
			return err
		}
		st, err = s.look(ctx, tx)
		return err
	})
	if err != nil {
		return nil, false, whyEnded(c.Conn.Conn().PgConn(), err)
	}
	// A pooler answers for many servers' processes and makes up the number of its own.
	return st, c.Conn.Conn().PgConn().PID() != st.backend, nil
}
