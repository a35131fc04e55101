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

// scope says for which tenant a pipeline runs. At most one of tenant and all is set. Neither is set
// if the pipeline reads and writes no rows of tenants.
type scope struct {
	tenant   string
	all      bool          // the pipeline reads the registrations of all tenants
	timeout  time.Duration // replaces the configured statement timeout if it is longer
	readOnly bool          // the pipeline changes nothing, so that it may run twice
	batched  bool          // the pipeline has the statements of several calls
}

// query is one statement of a pipeline. scan reads the rows of its result. If the pipeline is run
// again, scan is called again and must overwrite its first result.
type query struct {
	sql  string
	args []any
	scan func(pgx.Rows) error
}

// run sends the queries in one round trip and executes them as one transaction. The first statement
// of the transaction sets the role and the tenant. If the first attempt certainly had no effect,
// run sends the queries a second time.
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

// runOnce sends the queries once. After an error it also makes later calls recover. If the schema
// has changed, the next call inspects the database again. If connections or prepared statements
// were lost, runOnce drops the connections of the pool.
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

// setting is the first statement of each pipeline. Its settings end with the transaction, so that the next
// transaction on the connection does not see them.
//   - search_path makes PostgreSQL find only its own objects for names without a schema. Otherwise
//     PostgreSQL could find a function that another login has created, and would run this function with
//     the rights of the plugin's login.
//   - enable_bitmapscan is off, so that PostgreSQL reads rows in the order of an index. Its planner
//     underestimates the number of a tenant's rows. With bitmap scans the planner would sort a whole
//     conversation to find the newest turns.
//
// settingAll also allows reading the registrations of all tenants. settingBatch also bounds the wait for
// a row lock to 100 milliseconds, so that a batch fails soon if one of its conversations is locked.
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
	// The commit follows the last statement. Only Close returns the error of the commit.
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

// discardRows reads the rows of a statement and ignores them.
func discardRows(rows pgx.Rows) error {
	for rows.Next() {
	}
	return rows.Err()
}

// noRow returns the error for a database function of the plugin that has returned no row.
func noRow(rows pgx.Rows, function string) error {
	if err := rows.Err(); err != nil {
		return err
	}
	return fault.New(fault.Internal, "the database answered %s with nothing", function).By(fault.PartyPlugin)
}
