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

// database is a Postgres of the run's own, with all that makes commits durable on, or a
// fresh database on the server that pgtest.ForeignEnv names.
type database struct {
	*pgtest.Cluster
	pool *pgxpool.Pool // bare pgx
	pid  int           // of the server, whose time is counted; 0 for one that is not ours
}

// startPostgres answers nil where none is installed, and says so. Close it.
func (b *bench) startPostgres(ctx context.Context) (*database, error) {
	c, err := pgtest.Start(ctx, pgtest.Options{})
	if errors.Is(err, pgtest.ErrMissing) {
		b.say("left out: %v", err)
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

// serverPID asks the server for the file that has its number on the first line.
func serverPID(ctx context.Context, p *pgxpool.Pool) (int, error) {
	var file string
	if err := p.QueryRow(ctx, `select pg_read_file('postmaster.pid')`).Scan(&file); err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(file, "\n")
	return strconv.Atoi(first)
}

// families are the server with its children, if it is ours to count.
func (d *database) families() map[string]int {
	if d.pid == 0 {
		return nil
	}
	return map[string]int{"postgres": d.pid}
}

// Close ends the server.
func (d *database) Close() error {
	d.pool.Close()
	return d.Cluster.Close()
}
