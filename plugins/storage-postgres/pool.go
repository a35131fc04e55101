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
	// acquireTimeout bounds the wait for a connection. A call that waited so long has had no
	// effect, and may be repeated.
	acquireTimeout = 5 * time.Second
	// trimEvery is how often idle connections beyond the pool's size are closed.
	trimEvery = 5 * time.Second
	// pingTimeout bounds the check of a connection that was idle.
	pingTimeout = 2 * time.Second
)

// pool is a pgxpool that keeps size connections, opens up to maxConns while all are busy,
// and can drop all connections of one generation when their server is gone.
type pool struct {
	*pgxpool.Pool
	size     int           // connections that are kept when idle
	maxConns int           // connections that its configuration wants at once
	permits  permits       // to use a connection; as many as the pool's share of the server's
	shrunk   chan struct{} // tells trim that the share may have become less; buffered
	shares   *connectionShares
	server   string // key in shares

	prepare    atomic.Bool  // new connections keep their statements prepared
	generation atomic.Int64 // current generation; connections of older generations are dropped
	stop       context.CancelFunc
	trimmer    sync.WaitGroup
}

// unfitError says that a server was reached, but refuses writes or did not say whether it accepts
// them.
type unfitError struct{ err error }

func (e *unfitError) Error() string { return e.err.Error() }
func (e *unfitError) Unwrap() error { return e.err }

// newPool makes a pool, which connects when it is first used. It joins the shares of its
// server's connections. Errors are of package fault.
func newPool(cfg *pgxpool.Config, size int, shares *connectionShares) (*pool, error) {
	conn := cfg.ConnConfig
	// Statements are not prepared until a bootstrap has found that no pooler is between: a
	// pooler may give each transaction another connection.
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

// Close closes the pool. It waits for the connections that are in use.
func (p *pool) Close() {
	p.shares.leave(p.server, p)
	p.stop()
	p.trimmer.Wait()
	p.Pool.Close()
}

// trim closes connections that nobody uses, beyond the pool's size and beyond its share.
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

// closeIdle closes connections that nobody uses while there are more than keep.
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

// setShare changes the pool's share of the connections to its server. Connections beyond it
// are closed: idle ones at once, others after their use.
func (p *pool) setShare(share int) {
	p.permits.setLimit(share)
	select {
	case p.shrunk <- struct{}{}:
	default: // trim has been told already
	}
}

// discard closes a connection instead of giving it back.
func (p *pool) discard(ctx context.Context, c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = c.Hijack().Close(ctx) // the connection is given up in any case
}

// lease is an acquired connection and the generation that it belongs to. It is released once.
type lease struct {
	*pgxpool.Conn
	generation int64
	pool       *pool
}

// Release gives the connection back, or closes it where the pool has more than its share.
func (l lease) Release() {
	if share := l.pool.permits.limit(); share < l.pool.maxConns && int(l.pool.Stat().TotalConns()) > share {
		l.pool.discard(context.Background(), l.Conn)
	} else {
		l.Conn.Release()
	}
	l.pool.permits.release()
}

// acquire returns a connection. It waits up to acquireTimeout.
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

// busy returns the error of a call that waited for acquireTimeout.
func (p *pool) busy() error {
	share, others := p.permits.limit(), ""
	if share < p.maxConns {
		others = fmt.Sprintf("; other configurations have the rest of the %d to this server, of which the variable %s of the host sets more",
			p.shares.total, ConnectionsVariable)
	}
	return fault.New(fault.ProviderFailed,
		"all %d connections to the database have been busy for %s%s", share, acquireTimeout, others).After(fullRetry)
}

// setPrepare sets whether connections keep their statements prepared. When that changes, the
// open connections are dropped.
func (p *pool) setPrepare(on bool) {
	if p.prepare.Swap(on) != on {
		p.Reset()
	}
}

// dropGeneration drops all connections that were open when l was acquired: their server is
// gone or takes no writes. When several calls notice it, the first drops them.
func (p *pool) dropGeneration(l lease) {
	if p.generation.CompareAndSwap(l.generation, l.generation+1) {
		p.Reset()
	}
}
