package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
)

// aliveEvery is how often a connection that nothing came over is asked whether it still
// stands.
const aliveEvery = 30 * time.Second

// WatchTenants implements [storage.TenantWatcher], over a connection of its own: the one of
// listen_dsn, else as the pool's are. A pooler would give that away.
func (s *Store) WatchTenants(ctx context.Context, changed func() error) error {
	if _, err := s.ready(ctx); err != nil {
		return s.fail(ctx, err)
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return s.fail(ctx, err)
	}
	defer s.hangUp(ctx, conn)
	for {
		// Listening already, so that a change during it makes another call.
		if err := changed(); err != nil {
			return err
		}
		if err := s.notified(ctx, conn); err != nil {
			return s.fail(ctx, err)
		}
	}
}

// connect opens a connection that hears of changes.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.listen.Copy())
	if err != nil {
		return nil, err
	}
	var backend uint32
	err = conn.QueryRow(ctx, `select pg_catalog.pg_backend_pid()`).Scan(&backend)
	if err == nil && backend != conn.PgConn().PID() {
		s.log.Warn("a pooler is before the database, so changed tenants are noticed by polling alone; " +
			"listen_dsn may name a direct way")
		err = fault.New(fault.Invalid, "a pooler is before the database: changes are not noticed through it").At("listen_dsn").
			By(fault.PartyTenant)
	}
	if err == nil {
		_, err = conn.Exec(ctx, `listen `+pgx.Identifier{s.channel}.Sanitize())
	}
	if err != nil {
		s.hangUp(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// notified waits for a change. Notifications that wait already are taken together.
func (s *Store) notified(ctx context.Context, conn *pgx.Conn) error {
	for {
		quiet, cancel := context.WithTimeout(ctx, aliveEvery)
		_, err := conn.WaitForNotification(quiet)
		lapsed := quiet.Err() != nil
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || !lapsed {
			return err
		}
		ask, cancel := context.WithTimeout(ctx, pingTimeout)
		err = conn.Ping(ask)
		cancel()
		if err != nil {
			return err
		}
	}
}

func (s *Store) hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // given up, whatever it says
}
