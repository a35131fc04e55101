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
	// acquireTimeout bounds the wait for a connection. Who waited so long has done
	// nothing yet and may come again.
	acquireTimeout = 5 * time.Second
	// trimEvery is how often idle connections beyond the pool's size are closed.
	trimEvery = 5 * time.Second
	// pingTimeout is when a connection that was idle counts as lost.
	pingTimeout = 2 * time.Second
)

// pool is a pgxpool that keeps up to a size, may overflow it, and can be told that
// the server behind all its connections is gone.
type pool struct {
	*pgxpool.Pool
	size    int
	most    int           // connections that its configuration wants at once
	less    chan struct{} // the share may have become less
	permits permits       // to have one in use, as many as its share of the server's
	servers *servers
	server  string
	direct  atomic.Bool  // new connections may keep prepared statements
	age     atomic.Int64 // of the oldest connections that are still good
	stop    context.CancelFunc
	trimmed sync.WaitGroup
}

// unfitError is a server that was reached and takes no writes, or could not say.
type unfitError struct{ err error }

func (e *unfitError) Error() string { return e.err.Error() }
func (e *unfitError) Unwrap() error { return e.err }

// newPool makes a pool; it connects when it is first used. Its connections are of those that
// shared has for the server. Errors are of package fault.
func newPool(cfg *pgxpool.Config, size int, shared *servers) (*pool, error) {
	conn := cfg.ConnConfig
	// Without names for statements, so that a pooler may hand each transaction another
	// connection; until it is known that there is none.
	conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	var hosts preference
	hosts.watch(conn)
	cfg.PingTimeout = pingTimeout
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{size: size, most: int(cfg.MaxConns), stop: stop, less: make(chan struct{}, 1), servers: shared, server: serverOf(cfg)}
	cfg.BeforeConnect = func(_ context.Context, c *pgx.ConnConfig) error {
		hosts.order(c)
		if p.direct.Load() {
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
	if err := shared.join(p.server, p); err != nil {
		stop()
		inner.Close()
		return nil, err
	}
	p.trimmed.Go(func() { p.trim(ctx) })
	return p, nil
}

// Close waits for the connections that are in use.
func (p *pool) Close() {
	p.servers.leave(p.server, p)
	p.stop()
	p.trimmed.Wait()
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
		case <-p.less:
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

// limit changes the pool's share of the connections to its server. Those beyond it are
// closed: at once where they are idle, else after their use.
func (p *pool) limit(share int) {
	p.permits.set(share)
	select {
	case p.less <- struct{}{}:
	default: // trim is to look already
	}
}

func (p *pool) discard(ctx context.Context, c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = c.Hijack().Close(ctx) // it is of no use any more, whatever it says
}

// lease is a connection and what is needed to give up all that are as old.
type lease struct {
	*pgxpool.Conn
	age  int64
	pool *pool
}

// Release gives the connection back, or closes it where the pool has more than its share.
func (l lease) Release() {
	if share := l.pool.permits.limit(); share < l.pool.most && int(l.pool.Stat().TotalConns()) > share {
		l.pool.discard(context.Background(), l.Conn)
	} else {
		l.Conn.Release()
	}
	l.pool.permits.give()
}

// acquire waits for a connection, but not for long.
func (p *pool) acquire(ctx context.Context) (lease, error) {
	age := p.age.Load()
	wait, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if err := p.permits.take(wait); err != nil {
		if ctx.Err() != nil {
			return lease{}, ctx.Err()
		}
		return lease{}, p.busy()
	}
	c, err := p.Acquire(wait)
	if err != nil {
		p.permits.give()
		if s := p.Stat(); ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && s.AcquiredConns() >= s.MaxConns() {
			return lease{}, p.busy()
		}
		return lease{}, err
	}
	return lease{c, age, p}, nil
}

// busy is the error for who waited long enough.
func (p *pool) busy() error {
	share, others := p.permits.limit(), ""
	if share < p.most {
		others = fmt.Sprintf("; other configurations have the rest of the %d to this server, of which the variable %s of the host sets more",
			p.servers.most, ConnectionsVariable)
	}
	return fault.New(fault.ProviderFailed,
		"all %d connections to the database have been busy for %s%s", share, acquireTimeout, others).After(fullRetry)
}

// prepares makes connections keep their statements parsed and planned, or not. Those
// that are open do otherwise and are dropped.
func (p *pool) prepares(yes bool) {
	if p.direct.Swap(yes) != yes {
		p.Reset()
	}
}

// lost drops the connections that were there when l was acquired: the server they
// lead to is gone or takes no writes. Of many that notice, one does it.
func (p *pool) lost(l lease) {
	if p.age.CompareAndSwap(l.age, l.age+1) {
		p.Reset()
	}
}
