package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
)

// keepaliveEvery is how long WatchTenants waits for a notification before it pings the server.
const keepaliveEvery = 30 * time.Second

// WatchTenants implements [storage.TenantWatcher]. It executes LISTEN on its own connection. It
// connects with listen_dsn if the configuration has that key, and otherwise like the pool. If the
// connection goes through a pooler, WatchTenants returns fault.Invalid, because LISTEN does not
// work through a pooler.
func (s *Store) WatchTenants(ctx context.Context, changed func() error) error {
	if _, err := s.ready(ctx); err != nil {
		return s.fail(ctx, err)
	}
	conn, err := s.listenConn(ctx)
	if err != nil {
		return s.fail(ctx, err)
	}
	defer s.closeListener(ctx, conn)
	for {
		// The connection already listens, so that a change during this call of changed causes
		// another call.
		if err := changed(); err != nil {
			return err
		}
		if err := s.waitNotification(ctx, conn); err != nil {
			return s.fail(ctx, err)
		}
	}
}

// listenConn opens a connection that receives notifications about changed tenants.
func (s *Store) listenConn(ctx context.Context) (*pgx.Conn, error) {
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
		s.closeListener(ctx, conn)
		return nil, err
	}
	return conn, nil
}

// waitNotification returns nil when it has received a notification. Every keepaliveEvery without a
// notification, it pings the server, and returns the error of a failed ping.
func (s *Store) waitNotification(ctx context.Context, conn *pgx.Conn) error {
	for {
		quiet, cancel := context.WithTimeout(ctx, keepaliveEvery)
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

// closeListener closes the connection. It waits at most a second.
func (s *Store) closeListener(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // the error is ignored, because the connection is not used again
}
