package pgstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// acquireTimeout is how long a call waits for a connection. A call that fails after this wait
	// had no effect, so that a caller may repeat it.
	acquireTimeout = 5 * time.Second
	// trimEvery is how often a pool closes idle connections that exceed its size.
	trimEvery = 5 * time.Second
	// pingTimeout bounds the check of a connection that was idle.
	pingTimeout = 2 * time.Second
)

// pool is a pgxpool that can drop all connections to a lost server. It keeps up to size idle
// connections, and opens up to maxConns connections if its share allows them. It is safe for
// concurrent use.
type pool struct {
	*pgxpool.Pool
	size     int           // maximum number of idle connections that stay open
	maxConns int           // maximum number of connections in the configuration
	permits  permits       // a call needs a permit to use a connection; the limit is the pool's share
	shrunk   chan struct{} // tells trim that the share may be smaller; has a buffer of one
	shares   *connectionShares
	server   string // the pool's key in shares

	prepare    atomic.Bool  // new connections use prepared statements
	generation atomic.Int64 // generation of new connections; dropGeneration increments it
	stop       context.CancelFunc
	trimmer    sync.WaitGroup
}

// unfitError says that the pool has reached a server that refuses writes, or that did not say
// whether it accepts writes.
type unfitError struct{ err error }

func (e *unfitError) Error() string { return e.err.Error() }
func (e *unfitError) Unwrap() error { return e.err }

// newPool returns a pool, which opens its first connection when a call needs it. The pool joins
// shares, which then divides the connections of the server again. Errors are faults.
func newPool(cfg *pgxpool.Config, size int, shares *connectionShares) (*pool, error) {
	conn := cfg.ConnConfig
	// New connections do not prepare statements until a bootstrap has found that there is no
	// pooler. Behind a pooler, each transaction may run on a different server connection.
	conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	var hosts hostPreference
	hosts.observe(conn)
	cfg.PingTimeout = pingTimeout
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{size: size, maxConns: int(cfg.MaxConns), stop: stop, shrunk: make(chan struct{}, 1), shares: shares, server: serverOf(cfg)}
	cfg.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		hosts.order(c)
		if p.prepare.Load() {
			c.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
		}
		return nil
	}
	inner, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		stop()
		return nil, fault.New(fault.Internal, "%w", err).By(fault.PartyPlugin)
	}
	p.Pool = inner
	if err := shares.join(p.server, p); err != nil {
		stop()
		inner.Close()
		return nil, err
	}
	p.trimmer.Go(func() { p.trim(ctx) })
	return p, nil
}

// Close leaves the shares and closes the pool. It waits for the connections that are in use.
func (p *pool) Close() {
	p.shares.leave(p.server, p)
	p.stop()
	p.trimmer.Wait()
	p.Pool.Close()
}

// trim regularly closes idle connections that exceed the pool's size or its share, until ctx ends.
func (p *pool) trim(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-p.shrunk:
		}
		p.closeIdle(ctx, min(p.size, p.permits.limit()))
	}
}

// closeIdle closes idle connections while the pool has more than keep connections.
func (p *pool) closeIdle(ctx context.Context, keep int) {
	over := int(p.Stat().TotalConns()) - keep
	if over <= 0 {
		return
	}
	for _, c := range p.AcquireAllIdle(ctx) {
		if over > 0 {
			over--
			p.discard(ctx, c)
			continue
		}
		c.Release()
	}
}

// setShare sets how many connections to the server the pool may have. If the pool has more, it
// closes idle connections soon, and other connections after their use.
func (p *pool) setShare(share int) {
	p.permits.setLimit(share)
	select {
	case p.shrunk <- struct{}{}:
	default: // trim has an unread signal already
	}
}

// discard closes a connection instead of returning it to the pool.
func (p *pool) discard(ctx context.Context, c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = c.Hijack().Close(ctx) // the error is ignored, because the connection is not used again
}

// lease is a connection that a call has acquired, with the generation of the connection. The caller
// must call Release exactly once.
type lease struct {
	*pgxpool.Conn
	generation int64
	pool       *pool
}

// Release returns the connection to the pool. If the pool has more connections than its share,
// Release closes the connection instead.
func (l lease) Release() {
	if share := l.pool.permits.limit(); share < l.pool.maxConns && int(l.pool.Stat().TotalConns()) > share {
		l.pool.discard(context.Background(), l.Conn)
	} else {
		l.Conn.Release()
	}
	l.pool.permits.release()
}

// acquire returns a connection. It waits at most acquireTimeout.
func (p *pool) acquire(ctx context.Context) (lease, error) {
	generation := p.generation.Load()
	wait, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if err := p.permits.acquire(wait); err != nil {
		if ctx.Err() != nil {
			return lease{}, ctx.Err()
		}
		return lease{}, p.busy()
	}
	c, err := p.Acquire(wait)
	if err != nil {
		p.permits.release()
		if s := p.Stat(); ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && s.AcquiredConns() >= s.MaxConns() {
			return lease{}, p.busy()
		}
		return lease{}, err
	}
	return lease{c, generation, p}, nil
}

// busy returns the fault for a call that has waited for a connection in vain.
func (p *pool) busy() error {
	share, others := p.permits.limit(), ""
	if share < p.maxConns {
		others = fmt.Sprintf("; other configurations have the rest of the %d to this server, of which the variable %s of the host sets more",
			p.shares.total, ConnectionsVariable)
	}
	return fault.New(fault.ProviderFailed,
		"all %d connections to the database have been busy for %s%s", share, acquireTimeout, others).After(fullRetry)
}

// setPrepare sets whether connections use prepared statements. If this changes, setPrepare drops
// all open connections.
func (p *pool) setPrepare(on bool) {
	if p.prepare.Swap(on) != on {
		p.Reset()
	}
}

// dropGeneration drops all connections that were open when l was acquired, because their server is
// gone or refuses writes. If several calls notice this, only the first call drops the connections.
func (p *pool) dropGeneration(l lease) {
	if p.generation.CompareAndSwap(l.generation, l.generation+1) {
		p.Reset()
	}
}
