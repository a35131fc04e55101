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

// Store keeps conversations and registrations in one schema of one database. Each Store has
// a pool of connections of its own. It is safe for concurrent use.
type Store struct {
	cfg        Config
	log        hclog.Logger
	failures   *logLimiter
	pool       *pool
	listen     *pgx.ConnConfig // for connections that wait for notifications
	schema     string          // quoted
	channel    string          // name of the notifications about changed tenants
	calls      statements
	migrations []migration // all migrations that this plugin knows

	cids    *lru.Cache[conversationKey, int64] // numbers of conversations, for the fast path
	batcher batcher

	lifetime context.Context // ends with Close
	end      context.CancelFunc

	info          atomic.Pointer[databaseInfo] // nil until a bootstrap has succeeded
	mu            sync.Mutex                   // guards bootstrapping
	bootstrapping *bootstrap                   // the attempt that is running, or nil
	bootstraps    sync.WaitGroup

	// preparedLost is set once a prepared statement was missing. Then something between
	// changes the connection from one transaction to the next, and was not recognized as a
	// pooler. Statements are not prepared any more.
	preparedLost atomic.Bool
}

var (
	_ storage.Storage       = (*Store)(nil)
	_ storage.Renewer       = (*Store)(nil)
	_ storage.Importer      = (*Store)(nil)
	_ storage.Migrator      = (*Store)(nil)
	_ storage.TenantStore   = (*Store)(nil)
	_ storage.TenantWatcher = (*Store)(nil)
)

// Open makes a Store. It does not need the database: when that cannot be reached, the next
// call tries again. If the database responds within openTimeout that the configuration is wrong,
// Open returns fault.Invalid with the path of the key.
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

// newStoreWith makes a Store that takes its connections from shared.
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
	cids, err := lru.New[conversationKey, int64](maxCachedCIDs)
	if err != nil {
		return nil, fault.New(fault.Internal, "%w", err).By(fault.PartyPlugin)
	}
	p, err := newPool(main, cfg.PoolSize, shared)
	if err != nil {
		return nil, err
	}
	listen = listen.Copy() // newPool has completed the configuration
	listen.BuildFrontend = guardFrontends(share, true)
	schema := pgx.Identifier{cfg.Schema}.Sanitize()
	s := &Store{
		cfg: cfg, log: env.Log, pool: p, schema: schema, channel: cfg.Schema, calls: statementsOf(schema),
		listen: listen, migrations: known, failures: newLogLimiter(env.Log), cids: cids,
		batcher: batcher{tenants: map[string]*tenantQueue{}},
	}
	s.lifetime, s.end = context.WithCancel(context.Background())
	return s, nil
}

// tryDatabase bootstraps the database, for a short time. It returns only errors that the
// configuration or what is in the database explains.
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
	if errors.As(err, &known) && known.Class == fault.Invalid { // about what is in the database
		return known
	}
	s.log.Warn("the database cannot be reached yet; the next call tries again", "error", oneLine(err))
	return nil
}

// Close closes all connections. It is called after the last call has ended.
func (s *Store) Close() error {
	s.end()
	s.bootstraps.Wait()
	s.pool.Close()
	return nil
}
