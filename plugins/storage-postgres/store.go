package pgstore

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// openTimeout bounds how long opening a Store looks for the database.
const openTimeout = 2 * time.Second

// Store keeps conversations and registrations in one schema of one database. It is
// one pool of connections; Stores share nothing but the database.
type Store struct {
	cfg     Config
	log     hclog.Logger
	pool    *pool
	schema  string // quoted
	channel string // that tells of changed tenants
	calls   statements
	listen  *pgx.ConnConfig
	steps   []layout // layouts that this version knows

	complaints *complaints
	known      *lru.Cache[place, int64] // numbers of conversations
	lanes      lanes

	life    context.Context // ends with Close
	end     context.CancelFunc
	flights sync.WaitGroup
	base    atomic.Pointer[base] // nil until the database was seen to be fit
	// Set once a prepared statement was not there any more: something is between that
	// gives transactions other connections, and does not look like a pooler.
	forgetful atomic.Bool
	mu        sync.Mutex
	flight    *flight // that finds it out, if one does
}

var (
	_ storage.Storage       = (*Store)(nil)
	_ storage.Renewer       = (*Store)(nil)
	_ storage.Importer      = (*Store)(nil)
	_ storage.Migrator      = (*Store)(nil)
	_ storage.TenantStore   = (*Store)(nil)
	_ storage.TenantWatcher = (*Store)(nil)
)

// Open makes a Store. It does not need the database: one that cannot be reached, or
// not yet, is looked at again at the first call. What only the configuration can
// have wrong is fault.Invalid, with its path, when the database says so at once.
func Open(ctx context.Context, cfg Config, env sdk.Env) (*Store, error) {
	s, err := newStore(cfg, env, layouts)
	if err != nil {
		return nil, err
	}
	if err := s.tryDatabase(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newStore(cfg Config, env sdk.Env, steps []layout) (*Store, error) {
	shared, err := allServers()
	if err != nil {
		return nil, err
	}
	return newStoreWith(cfg, env, steps, shared)
}

// newStoreWith makes a Store whose connections are of those that shared has.
func newStoreWith(cfg Config, env sdk.Env, steps []layout, shared *servers) (*Store, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	share := budget.Upstreams.Share()
	main, err := cfg.poolConfig(cfg.DSN, "dsn", cfg.Connection, env.Dialer, share)
	if err != nil {
		return nil, err
	}
	listen := main.ConnConfig
	if cfg.ListenDSN != "" {
		direct, err := cfg.poolConfig(cfg.ListenDSN, "listen_dsn", Connection{}, env.Dialer, share)
		if err != nil {
			return nil, err
		}
		listen = direct.ConnConfig
	}
	known, err := lru.New[place, int64](maxKnown)
	if err != nil {
		return nil, fault.New(fault.Internal, "%w", err).By(fault.PartyPlugin)
	}
	p, err := newPool(main, cfg.PoolSize, shared)
	if err != nil {
		return nil, err
	}
	listen = listen.Copy() // with what the pool's have by now
	listen.BuildFrontend = frontends(share, true)
	schema := pgx.Identifier{cfg.Schema}.Sanitize()
	s := &Store{
		cfg: cfg, log: env.Log, pool: p, schema: schema, channel: cfg.Schema, calls: statementsOf(schema),
		listen: listen, steps: steps, complaints: newComplaints(env.Log), known: known,
		lanes: lanes{of: map[string]*lane{}},
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// tryDatabase looks for the database, briefly.
func (s *Store) tryDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	_, err := s.ready(ctx)
	if err == nil {
		return nil
	}
	if e := s.cfg.configured(err); e != nil {
		return e
	}
	var known *fault.Error
	if errors.As(err, &known) && known.Class == fault.Invalid { // of what the database has in it
		return known
	}
	s.log.Warn("the database is not there yet; it is looked for at the next call", "error", oneLine(err))
	return nil
}

// Close ends all connections.
func (s *Store) Close() error {
	s.end()
	s.flights.Wait()
	s.pool.Close()
	return nil
}

// scope is on whose behalf a pipeline runs. Only one of the two is set, or neither
// where nothing of any tenant is touched.
type scope struct {
	tenant  string
	all     bool          // the tenants' registry, to read
	timeout time.Duration // of each statement; 0: the configured one
	again   bool          // may run twice: it changes nothing
	shared  bool          // by several calls
}

// query is a statement of a pipeline. scan reads its rows; it may be called again from
// the start.
type query struct {
	sql  string
	args []any
	scan func(pgx.Rows) error
}

// run sends the queries in one round trip, behind the statement that sets role and
// tenant for them: all are one transaction.
func (s *Store) run(ctx context.Context, sc scope, queries ...query) error {
	err := s.runOnce(ctx, sc, queries)
	if err == nil || ctx.Err() != nil {
		return s.fail(ctx, err)
	}
	var pg *pgconn.PgError
	ended := errors.As(err, &pg) && (pg.Code == stateDeadlock || pg.Code == stateSerialization || forgotten(err))
	var known *fault.Error
	if !errors.As(err, &known) && (ended || pgconn.SafeToRetry(err) || sc.again && pg == nil) {
		err = s.runOnce(ctx, sc, queries)
	}
	return s.fail(ctx, err)
}

func (s *Store) runOnce(ctx context.Context, sc scope, queries []query) error {
	b, err := s.ready(ctx)
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
	case sc.shared:
		set = settingShared
	}
	batch.Queue(set, b.role, sc.tenant, strconv.FormatInt(int64(timeout*1000)+1, 10))
	for _, q := range queries {
		batch.Queue(q.sql, q.args...)
	}
	err = whyEnded(c.Conn.Conn().PgConn(), results(c.Conn.SendBatch(ctx, &batch), queries))
	switch {
	case err == nil:
	case outdated(err):
		s.base.Store(nil)
	case forgotten(err):
		s.forgetful.Store(true)
		s.pool.prepares(false)
	case deaf(ctx, err, c.Conn.Conn().IsClosed()):
		s.pool.lost(c)
	}
	return err
}

// setting is the first statement of each pipeline; settingAll is it for the whole
// registry, settingShared for several calls, which must not wait long for a conversation
// that only one of them wants. What they set is gone with the transaction, so that
// nothing of it is left in the connection, whoever has it next. With the path, all that is
// called without its schema is Postgres' own: another login of the database may have made
// functions that would be found before, and they would run with what this login may do.
// Without bitmaps, all is read in the order of an index: the server thinks so few of the
// rows to be the tenant's that it would rather sort a whole conversation for its newest
// turns.
const (
	ownPath = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true)`
	setting = ownPath + `, pg_catalog.set_config('role', $1, true),
		pg_catalog.set_config('botyard.tenant', $2, true), pg_catalog.set_config('statement_timeout', $3, true),
		pg_catalog.set_config('enable_bitmapscan', 'off', true)`
	settingAll    = setting + `, pg_catalog.set_config('botyard.registry', 'all', true)`
	settingShared = setting + `, pg_catalog.set_config('lock_timeout', '100', true)`
)

func results(br pgx.BatchResults, queries []query) error {
	_, err := br.Exec()
	for _, q := range queries {
		if err != nil {
			break
		}
		err = result(br, q.scan)
	}
	// The transaction is committed behind the last statement: only Close knows.
	if closing := br.Close(); err == nil {
		err = closing
	}
	return err
}

func result(br pgx.BatchResults, scan func(pgx.Rows) error) error {
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

// fail makes the fault that the caller sees, and logs what it leaves out, if it did not
// just do that.
func (s *Store) fail(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if refused := egress.Of(err); refused != nil && ctx.Err() == nil {
		return s.cfg.notAllowed(refused)
	}
	e := classify(ctx, err)
	if e.Err != nil && e.Class != fault.Invalid && e.Class != fault.Canceled {
		s.complaints.add("a call of the database failed", e.Message, e.Err)
	}
	return e
}

// Renew implements [storage.Renewer].
func (s *Store) Renew(ctx context.Context, holders []string, lease time.Duration) error {
	if err := storage.ValidateRenewalText(holders, lease); err != nil {
		return err
	}
	return s.run(ctx, scope{}, query{s.calls.renew, []any{holders, min(lease, maxLease)}, none}, query{s.calls.forget, nil, none})
}

// none reads the rows of a statement whose answer says nothing.
func none(rows pgx.Rows) error {
	for rows.Next() {
	}
	return rows.Err()
}
