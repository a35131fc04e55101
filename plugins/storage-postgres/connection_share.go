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

// ConnectionsVariable is the environment variable that says how many connections all
// configurations together have to one database server, in one process of the plugin.
const ConnectionsVariable = "BOTYARD_STORAGE_POSTGRES_CONNECTIONS"

// defaultConnections leaves some of the 100 that a server has by default.
const defaultConnections = 80

// connectionShares divides the connections to each database server among the pools that
// connect to it. There is one pool for each configuration.
type connectionShares struct {
	total int // connections to one server

	mu    sync.Mutex
	pools map[string][]*pool // by server
}

func newConnectionShares(total int) *connectionShares {
	return &connectionShares{total: total, pools: map[string][]*pool{}}
}

// processShares are the shares of this process.
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

// serverOf returns a key for the server, or the list of servers, of the configuration.
func serverOf(cfg *pgxpool.Config) string {
	at := []string{fmt.Sprint(cfg.ConnConfig.Host, ":", cfg.ConnConfig.Port)}
	for _, f := range cfg.ConnConfig.Fallbacks {
		at = append(at, fmt.Sprint(f.Host, ":", f.Port))
	}
	slices.Sort(at)
	return strings.ToLower(strings.Join(slices.Compact(at), ","))
}

// join adds the pool to its server and gives it a share of the connections. All shares
// change with each pool that joins or leaves.
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

// leave removes the pool from its server.
func (s *connectionShares) leave(server string, p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pools[server] = slices.DeleteFunc(s.pools[server], func(other *pool) bool { return other == p })
	if len(s.pools[server]) == 0 {
		delete(s.pools, server)
	}
	s.divideLocked(server)
}

// divideLocked gives each pool as many connections as it wants if there are enough. Otherwise
// the pools that want more than an equal part divide evenly what the others leave.
// Locked: mu is held.
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

// permits bound how many connections of a pool are in use. The longest waiting call gets the
// next permit.
type permits struct {
	mu      sync.Mutex
	max     int
	held    int
	waiting list.List // its values are chan struct{}
}

// acquire waits for a permit. The error is the context's.
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
	case <-turn: // granted at the same moment
		return nil
	default:
		p.waiting.Remove(place)
		return ctx.Err()
	}
}

// release gives a permit back.
func (p *permits) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	p.grantLocked()
}

// setLimit changes how many permits there are. Held permits beyond the limit are not granted
// again after their release.
func (p *permits) setLimit(limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.max = limit
	p.grantLocked()
}

// grantLocked grants permits to the calls that have waited longest. Locked: mu is held.
func (p *permits) grantLocked() {
	for p.held < p.max && p.waiting.Len() > 0 {
		p.held++
		close(p.waiting.Remove(p.waiting.Front()).(chan struct{}))
	}
}

// limit returns how many permits there are.
func (p *permits) limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.max
}
