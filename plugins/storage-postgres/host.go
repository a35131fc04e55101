package pgstore

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// preference remembers which host of a list was chosen, so that the next connection
// asks it first: one that is dead without a word costs its timeout once and not for
// each connection.
type preference struct {
	mu    sync.Mutex
	found map[string][]string // addresses by name, as they were looked up last
	good  target              // an address; zero: none yet
}

type target struct {
	host string
	port uint16
}

// watch makes the configuration's connections tell which host they lead to. The
// configuration has a check of connections.
func (p *preference) watch(c *pgx.ConnConfig) {
	p.found = map[string][]string{}
	lookup, validate := c.LookupFunc, c.ValidateConnect
	c.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		addresses, err := lookup(ctx, host)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.found[host] = addresses
		return addresses, err
	}
	c.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if validate != nil {
			if err := checked(ctx, conn, validate); err != nil {
				return &unfitError{whyEnded(conn, err)}
			}
		}
		p.chosen(conn.Conn().RemoteAddr())
		return nil
	}
}

// checked runs the driver's check of a connection, which takes for granted that a server
// answers what it is asked.
func checked(ctx context.Context, conn *pgconn.PgConn, validate pgconn.ValidateConnectFunc) (err error) {
	defer func() {
		if recover() != nil {
			err = tooMuch("answers what it was not asked")
		}
	}()
	return validate(ctx, conn)
}

func (p *preference) chosen(at net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch a := at.(type) {
	case *net.TCPAddr:
		p.good = target{a.IP.String(), uint16(a.Port)}
	case *net.UnixAddr: // folder/.s.PGSQL.port
		if _, digits, ok := strings.Cut(filepath.Base(a.Name), ".s.PGSQL."); ok {
			port, _ := strconv.ParseUint(digits, 10, 16)
			p.good = target{filepath.Dir(a.Name), uint16(port)}
		}
	}
}

// order puts the chosen host in front.
func (p *preference) order(c *pgx.ConnConfig) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ways := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	slices.SortStableFunc(ways, func(a, b *pgconn.FallbackConfig) int { return p.rank(a) - p.rank(b) })
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
}

func (p *preference) rank(w *pgconn.FallbackConfig) int {
	if w.Port == p.good.port && (w.Host == p.good.host || slices.Contains(p.found[w.Host], p.good.host)) {
		return 0
	}
	return 1
}
