package pgstore

import (
	"cmp"
	"container/list"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ConnectionsVariable names the environment variable that bounds the connections of one plugin
// process to one database server. The bound is for all configurations together.
const ConnectionsVariable = "BOTYARD_STORAGE_POSTGRES_CONNECTIONS"

// defaultConnections is less than 100, the default maximum of a PostgreSQL server, so that other
// clients still get connections.
const defaultConnections = 80

// connectionShares divides the connections to each database server among the pools that connect to
// that server. Each configuration has one pool.
type connectionShares struct {
	total int // maximum number of connections to one server

	mu    sync.Mutex
	pools map[string][]*pool // pools by server, as serverOf names it
}

func newConnectionShares(total int) *connectionShares {
	return &connectionShares{total: total, pools: map[string][]*pool{}}
}

// processShares returns the connectionShares of this process.
var processShares = sync.OnceValues(func() (*connectionShares, error) {
	most, err := connections(os.Getenv(ConnectionsVariable))
	return newConnectionShares(most), err
})

// connections parses the value of ConnectionsVariable.
func connections(text string) (int, error) {
	if text == "" {
		return defaultConnections, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 100_000 {
		return 0, fault.New(fault.Invalid, "the variable %s is not a number from 1 to 100000: set it for the host, or take it out of plugin.storage.postgres.env",
			ConnectionsVariable).By(fault.PartyHost)
	}
	return n, nil
}

// serverOf returns a text that identifies the server, or the list of servers, of the configuration.
func serverOf(cfg *pgxpool.Config) string {
	at := []string{fmt.Sprint(cfg.ConnConfig.Host, ":", cfg.ConnConfig.Port)}
	for _, f := range cfg.ConnConfig.Fallbacks {
		at = append(at, fmt.Sprint(f.Host, ":", f.Port))
	}
	slices.Sort(at)
	return strings.ToLower(strings.Join(slices.Compact(at), ","))
}

// join adds the pool to its server and divides the connections again. It returns
// fault.QuotaExhausted if the server has as many pools as connections.
func (s *connectionShares) join(server string, p *pool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.pools[server]); n >= s.total {
		return fault.New(fault.QuotaExhausted,
			"%d configurations have the %d connections to this database server that the host's plugin may open; the variable %s of the host sets more",
			n, s.total, ConnectionsVariable).By(fault.PartyHost)
	}
	s.pools[server] = append(s.pools[server], p)
	s.divideLocked(server)
	return nil
}

// leave removes the pool from its server and divides the connections again.
func (s *connectionShares) leave(server string, p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pools[server] = slices.DeleteFunc(s.pools[server], func(other *pool) bool { return other == p })
	if len(s.pools[server]) == 0 {
		delete(s.pools, server)
	}
	s.divideLocked(server)
}

// divideLocked gives each pool as many connections as the pool wants, if there are enough.
// Otherwise pools that want less than an equal share get what they want, and the other pools divide
// the remaining connections equally. Locked: mu is held.
func (s *connectionShares) divideLocked(server string) {
	pools := slices.Clone(s.pools[server])
	slices.SortStableFunc(pools, func(a, b *pool) int { return cmp.Compare(a.maxConns, b.maxConns) })
	left := s.total
	for i, p := range pools {
		share := min(p.maxConns, left/(len(pools)-i))
		left -= share
		p.setShare(share)
	}
}

// permits bounds how many connections of a pool are in use. The call that has waited longest gets
// the next permit.
type permits struct {
	mu      sync.Mutex
	max     int
	held    int
	waiting list.List // the elements are of type chan struct{}
}

// acquire waits for a permit. It returns the context's error if the context ends first.
func (p *permits) acquire(ctx context.Context) error {
	p.mu.Lock()
	if p.held < p.max && p.waiting.Len() == 0 {
		p.held++
		p.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	place := p.waiting.PushBack(turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-turn: // the permit was granted when the context ended
		return nil
	default:
		p.waiting.Remove(place)
		return ctx.Err()
	}
}

// release returns a permit.
func (p *permits) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	p.grantLocked()
}

// setLimit changes the number of permits. If more permits are in use, released permits are not
// granted again until the number in use is below the limit.
func (p *permits) setLimit(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.max = limit
	p.grantLocked()
}

// grantLocked grants free permits to the calls that have waited longest. Locked: mu is held.
func (p *permits) grantLocked() {
	for p.held < p.max && p.waiting.Len() > 0 {
		p.held++
		close(p.waiting.Remove(p.waiting.Front()).(chan struct{}))
	}
}

// limit returns the number of permits, whether in use or not.
func (p *permits) limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.max
}
