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

// servers share out the connections to each database server among the pools that lead
// there, each of which belongs to one configuration.
type servers struct {
	most int

	mu sync.Mutex
	of map[string][]*pool
}

func newServers(most int) *servers { return &servers{most: most, of: map[string][]*pool{}} }

// allServers are those of this process.
var allServers = sync.OnceValues(func() (*servers, error) {
	most, err := connections(os.Getenv(ConnectionsVariable))
	return newServers(most), err
})

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

// serverOf names the server, or the group of servers, that the configuration leads to.
func serverOf(cfg *pgxpool.Config) string {
	at := []string{fmt.Sprint(cfg.ConnConfig.Host, ":", cfg.ConnConfig.Port)}
	for _, f := range cfg.ConnConfig.Fallbacks {
		at = append(at, fmt.Sprint(f.Host, ":", f.Port))
	}
	slices.Sort(at)
	return strings.ToLower(strings.Join(slices.Compact(at), ","))
}

// join gives the pool its share of the server's connections, which changes with each pool
// that comes or goes.
func (s *servers) join(server string, p *pool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.of[server]); n >= s.most {
		return fault.New(fault.QuotaExhausted,
			"%d configurations have the %d connections to this database server that the host's plugin may open; the variable %s of the host sets more",
			n, s.most, ConnectionsVariable).By(fault.PartyHost)
	}
	s.of[server] = append(s.of[server], p)
	s.shareLocked(server)
	return nil
}

func (s *servers) leave(server string, p *pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of[server] = slices.DeleteFunc(s.of[server], func(other *pool) bool { return other == p })
	if len(s.of[server]) == 0 {
		delete(s.of, server)
	}
	s.shareLocked(server)
}

// shareLocked gives each pool what it wants, or an equal part of what those leave over that
// want less. Locked: mu is held.
func (s *servers) shareLocked(server string) {
	pools := slices.Clone(s.of[server])
	slices.SortStableFunc(pools, func(a, b *pool) int { return cmp.Compare(a.most, b.most) })
	left := s.most
	for i, p := range pools {
		share := min(p.most, left/(len(pools)-i))
		left -= share
		p.limit(share)
	}
}

// permits are how many connections of a pool may be in use. Who waits longest gets the
// next one.
type permits struct {
	mu      sync.Mutex
	most    int
	held    int
	waiting list.List // of chan struct{}
}

// take waits for a permit. The error is the context's.
func (p *permits) take(ctx context.Context) error {
	p.mu.Lock()
	if p.held < p.most && p.waiting.Len() == 0 {
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
	case <-turn: // in the same moment
		return nil
	default:
		p.waiting.Remove(place)
		return ctx.Err()
	}
}

func (p *permits) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	p.grantLocked()
}

// set changes how many there are. Those that are held beyond it are not given again.
func (p *permits) set(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = most
	p.grantLocked()
}

// grantLocked lets the first ones that wait go on. Locked: mu is held.
func (p *permits) grantLocked() {
	for p.held < p.most && p.waiting.Len() > 0 {
		p.held++
		close(p.waiting.Remove(p.waiting.Front()).(chan struct{}))
	}
}

func (p *permits) limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}
