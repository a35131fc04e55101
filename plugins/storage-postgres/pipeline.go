package pgstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// scope says for whom a pipeline runs. At most one of tenant and all is set; neither is set
// when no tenant's rows are touched.
type scope struct {
	tenant   string
	all      bool          // reads the registrations of all tenants
	timeout  time.Duration // bounds each statement, if longer than the configured timeout
	readOnly bool          // changes nothing, so it may run twice
	batched  bool          // has the statements of several calls
}

// query is one statement of a pipeline. scan reads its rows. When the pipeline is run again,
// scan is called again and starts from the beginning.
type query struct {
	sql  string
	args []any
	scan func(pgx.Rows) error
}

// run sends the queries in one round trip, as one transaction. Its first statement sets role
// and tenant. It runs them once more if the first attempt certainly had no effect.
func (s *Store) run(ctx context.Context, sc scope, queries ...query) error {
	err := s.runOnce(ctx, sc, queries)
	if err == nil || ctx.Err() != nil {
		return s.fail(ctx, err)
	}
	var pg *pgconn.PgError
	rolledBack := errors.As(err, &pg) && (pg.Code == stateDeadlock || pg.Code == stateSerialization || preparedMissing(err))
	var known *fault.Error
	if !errors.As(err, &known) && (rolledBack || pgconn.SafeToRetry(err) || sc.readOnly && pg == nil) {
		err = s.runOnce(ctx, sc, queries)
	}
	return s.fail(ctx, err)
}

// runOnce is run without a second attempt. It also draws the conclusions for later calls: a
// changed schema is inspected anew, and lost connections or prepared statements are dropped.
func (s *Store) runOnce(ctx context.Context, sc scope, queries []query) error {
	info, err := s.ready(ctx)
	if err != nil {
		return err
	}
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	timeout := s.cfg.StatementTimeout
	if sc.timeout > 0 {
		timeout = max(timeout, sc.timeout.Seconds())
	}
	var batch pgx.Batch
	set := setting
	switch {
	case sc.all:
		set = settingAll
	case sc.batched:
		set = settingBatch
	}
	batch.Queue(set, info.role, sc.tenant, strconv.FormatInt(int64(timeout*1000)+1, 10))
	for _, q := range queries {
		batch.Queue(q.sql, q.args...)
	}
	err = endCause(c.Conn.Conn().PgConn(), readResults(c.Conn.SendBatch(ctx, &batch), queries))
	switch {
	case err == nil:
	case schemaOutdated(err):
		s.info.Store(nil)
	case preparedMissing(err):
		s.preparedLost.Store(true)
		s.pool.setPrepare(false)
	case connectionLost(ctx, err, c.Conn.Conn().IsClosed()):
		s.pool.dropGeneration(c)
	}
	return err
}

// setting is the first statement of each pipeline. What it sets ends with the transaction,
// so nothing is left in the connection for its next user.
//   - search_path: names without a schema are PostgreSQL's own. Otherwise a function that
//     another login has made could be found first, and would run with this login's rights.
//   - enable_bitmapscan: off, so that rows are read in the order of an index. The planner
//     underestimates the tenant's rows, and would sort a whole conversation for its newest turns.
//
// settingAll also opens the registrations of all tenants for reading. settingBatch also
// bounds the wait for a row lock, so that calls do not wait for a conversation that only
// another call of their batch wants.
const (
	ownPath = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)`
	setting = ownPath + `, pg_catalog.set_config('role', $1, true),
		pg_catalog.set_config('botyard.tenant', $2, true), pg_catalog.set_config('statement_timeout', $3, true),
		pg_catalog.set_config('enable_bitmapscan', 'off', true)`
	settingAll   = setting + `, pg_catalog.set_config('botyard.registry', 'all', true)`
	settingBatch = setting + `, pg_catalog.set_config('lock_timeout', '100', true)`
)

// readResults reads the rows of all queries and ends the transaction.
func readResults(br pgx.BatchResults, queries []query) error {
	_, err := br.Exec()
	for _, q := range queries {
		if err != nil {
			break
		}
		err = readResult(br, q.scan)
	}
	// The commit comes behind the last statement. Only Close tells whether it worked.
	if closing := br.Close(); err == nil {
		err = closing
	}
	return err
}

func readResult(br pgx.BatchResults, scan func(pgx.Rows) error) error {
	rows, err := br.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	if err := scan(rows); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// discardRows reads the rows of a statement whose result is not needed.
func discardRows(rows pgx.Rows) error {
	for rows.Next() {
	}
	return rows.Err()
}

// noRow returns the error for a function of ours that returned no row.
func noRow(rows pgx.Rows, function string) error {
	if err := rows.Err(); err != nil {
		return err
	}
	return fault.New(fault.Internal, "the database answered %s with nothing", function).By(fault.PartyPlugin)
}
