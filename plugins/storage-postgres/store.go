package pgstore

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/jackc/pgx/v5"
)

// openTimeout bounds how long Open waits for the database.
const openTimeout = 2 * time.Second

// Store keeps conversations and registered tenants in one schema of one database. Each Store has
// its own pool of connections. A Store is safe for concurrent use.
type Store struct {
	cfg        Config
	log        hclog.Logger
	failures   *logLimiter
	pool       *pool
	listen     *pgx.ConnConfig // configuration of the connections that receive notifications
	schema     string          // quoted name of the schema
	channel    string          // channel for notifications about changed tenants
	calls      statements
	migrations []migration // all migrations that this plugin knows

	refs    *lru.Cache[conversationKey, conversationRef] // of conversations, for the fast path
	batcher batcher

	lifetime context.Context // Close cancels this context
	end      context.CancelFunc

	info          atomic.Pointer[databaseInfo] // nil before the first successful bootstrap
	mu            sync.Mutex                   // guards bootstrapping
	bootstrapping *bootstrap                   // the running attempt, or nil
	bootstraps    sync.WaitGroup

	// preparedLost is true after a prepared statement was missing on a connection. An unrecognized
	// pooler then switches server connections between transactions. The Store does not use prepared
	// statements any more.
	preparedLost atomic.Bool
}

var (
	_ storage.Storage       = (*Store)(nil)
	_ storage.Renewer       = (*Store)(nil)
	_ storage.Importer      = (*Store)(nil)
	_ storage.Migrator      = (*Store)(nil)
	_ storage.TenantStore   = (*Store)(nil)
	_ storage.TenantWatcher = (*Store)(nil)
	_ sdk.Checker           = (*Store)(nil)
)

// Open returns a Store. If the database cannot be reached, Open succeeds, and the next call tries
// to reach the database again. If the database proves within openTimeout that the configuration is
// wrong, Open returns fault.Invalid with the path of the wrong key.
func Open(ctx context.Context, cfg Config, env sdk.Env) (*Store, error) {
	s, err := newStore(cfg, env, migrations)
	if err != nil {
		return nil, err
	}
	if err := s.tryDatabase(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newStore(cfg Config, env sdk.Env, known []migration) (*Store, error) {
	shared, err := processShares()
	if err != nil {
		return nil, err
	}
	return newStoreWith(cfg, env, known, shared)
}

// newStoreWith returns a Store whose connections count against shared.
func newStoreWith(cfg Config, env sdk.Env, known []migration, shared *connectionShares) (*Store, error) {
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
	refs, err := lru.New[conversationKey, conversationRef](maxCachedRefs)
	if err != nil {
		return nil, fault.New(fault.Internal, "%w", err).By(fault.PartyPlugin)
	}
	p, err := newPool(main, cfg.PoolSize, shared)
	if err != nil {
		return nil, err
	}
	listen = listen.Copy() // includes the changes that newPool has made to the configuration
	listen.BuildFrontend = guardFrontends(share, forNotifications)
	schema := pgx.Identifier{cfg.Schema}.Sanitize()
	s := &Store{
		cfg: cfg, log: env.Log, pool: p, schema: schema, channel: cfg.Schema, calls: statementsOf(schema),
		listen: listen, migrations: known, failures: newLogLimiter(env.Log), refs: refs,
		batcher: batcher{tenants: map[string]*tenantQueue{}},
	}
	s.lifetime, s.end = context.WithCancel(context.Background())
	return s, nil
}

// tryDatabase bootstraps the database within openTimeout. It returns an error only if the
// configuration or the content of the database is wrong. It logs other errors.
func (s *Store) tryDatabase(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	_, err := s.ready(ctx)
	if err == nil {
		return nil
	}
	if e := s.cfg.configFault(err); e != nil {
		return e
	}
	var known *fault.Error
	if errors.As(err, &known) && known.Class == fault.Invalid { // the content of the database is wrong
		return known
	}
	s.log.Warn("the database cannot be reached yet; the next call tries again", "error", oneLine(err))
	return nil
}

// Close closes all connections. All calls must have returned before.
func (s *Store) Close() error {
	s.end()
	s.bootstraps.Wait()
	s.pool.Close()
	return nil
}
