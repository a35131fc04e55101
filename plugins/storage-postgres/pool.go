package pgstore

import (
	"context"
	"errors"
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
	direct  atomic.Bool  // new connections may keep prepared statements
	age     atomic.Int64 // of the oldest connections that are still good
	stop    context.CancelFunc
	trimmed sync.WaitGroup
}

// unfitError is a server that was reached and takes no writes, or could not say.
type unfitError struct{ err error }

func (e *unfitError) Error() string { return e.err.Error() }
func (e *unfitError) Unwrap() error { return e.err }

// newPool makes a pool; it connects when it is first used.
func newPool(cfg *pgxpool.Config, size int) (*pool, error) {
	conn := cfg.ConnConfig
	// Without names for statements, so that a pooler may hand each transaction another
	// connection; until it is known that there is none.
	conn.DefaultQueryExecMode = pgx.QueryExecModeExec
	var hosts preference
	hosts.watch(conn)
	cfg.PingTimeout = pingTimeout
	ctx, stop := context.WithCancel(context.Background())
	p := &pool{size: size, stop: stop}
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
		return nil, err
	}
	p.Pool = inner
	if int(cfg.MaxConns) > size {
		p.trimmed.Go(func() { p.trim(ctx) })
	}
	return p, nil
}

// Close waits for the connections that are in use.
func (p *pool) Close() {
	p.stop()
	p.trimmed.Wait()
	p.Pool.Close()
}

// trim closes overflowing connections that nobody uses.
func (p *pool) trim(ctx context.Context) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		over := int(p.Stat().TotalConns()) - p.size
		if over <= 0 {
			continue
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
}

func (p *pool) discard(ctx context.Context, c *pgxpool.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = c.Hijack().Close(ctx) // it is of no use any more, whatever it says
}

// lease is a connection and what is needed to give up all that are as old.
type lease struct {
	*pgxpool.Conn
	age int64
}

// acquire waits for a connection, but not for long.
func (p *pool) acquire(ctx context.Context) (lease, error) {
	age := p.age.Load()
	wait, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	c, err := p.Acquire(wait)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			if s := p.Stat(); s.AcquiredConns() >= s.MaxConns() {
				return lease{}, fault.New(fault.ProviderFailed,
					"all %d connections to the database have been busy for %s", s.MaxConns(), acquireTimeout).After(fullRetry)
			}
		}
		return lease{}, err
	}
	return lease{c, age}, nil
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
