package main

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/botyard/botyard/bench/internal/barepgx"
	"github.com/botyard/botyard/pgtest"
	"github.com/jackc/pgx/v5/pgxpool"
)

// database is a Postgres server that this run starts, with durable commits. If the environment variable
// pgtest.ForeignEnv names a server, database is a new database on that server instead.
type database struct {
	*pgtest.Cluster
	pool *pgxpool.Pool // connections for bare pgx
	pid  int           // process id of the server that this run started; 0 for a foreign server, whose CPU is not counted
}

// startPostgres starts the server. If no Postgres is installed, it returns nil without an error and writes
// the reason to the report. The caller closes the database.
func (b *bench) startPostgres(ctx context.Context) (*database, error) {
	c, err := pgtest.Start(ctx, pgtest.Options{})
	if errors.Is(err, pgtest.ErrMissing) {
		b.logf("left out: %v", err)
		b.report.Missing = err.Error()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := &database{Cluster: c}
	if d.pool, err = barepgx.Open(ctx, c.DSN("")); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if dir, _ := c.Socket(); dir != "" {
		if d.pid, err = serverPID(ctx, d.pool); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// serverPID returns the process id of the server, which is the first line of its file postmaster.pid.
func serverPID(ctx context.Context, p *pgxpool.Pool) (int, error) {
	var file string
	if err := p.QueryRow(ctx, `select pg_read_file('postmaster.pid')`).Scan(&file); err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(file, "\n")
	return strconv.Atoi(first)
}

// processes returns the server's process id by name. For a foreign server it returns nil.
func (d *database) processes() map[string]int {
	if d.pid == 0 {
		return nil
	}
	return map[string]int{"postgres": d.pid}
}

// Close closes the pool and stops the server.
func (d *database) Close() error {
	d.pool.Close()
	return d.Cluster.Close()
}
