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

// hostPreference records which host of a configuration has accepted the last connection, so that
// the next connection tries this host first. So a host that does not respond delays one connection
// by its timeout, instead of every connection. It is safe for concurrent use.
type hostPreference struct {
	mu        sync.Mutex
	addresses map[string][]string // addresses by host name, from the last lookup
	last      target              // address of the last connection; zero before the first connection
}

// target is one host or address with its port.
type target struct {
	host string
	port uint16
}

// observe changes c so that each new connection records its host. It also makes the driver's check
// of a new connection return an error instead of a panic.
func (p *hostPreference) observe(c *pgx.ConnConfig) {
	p.addresses = map[string][]string{}
	lookup, validate := c.LookupFunc, c.ValidateConnect
	c.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		addresses, err := lookup(ctx, host)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.addresses[host] = addresses
		return addresses, err
	}
	c.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if validate != nil {
			if err := validateSafely(ctx, conn, validate); err != nil {
				return &unfitError{endCause(conn, err)}
			}
		}
		p.remember(conn.Conn().RemoteAddr())
		return nil
	}
}

// validateSafely runs the driver's check of a new connection. It returns an error if the check
// panics. The driver panics on some responses that violate the protocol.
func validateSafely(ctx context.Context, conn *pgconn.PgConn, validate pgconn.ValidateConnectFunc) (err error) {
	defer func() {
		if recover() != nil {
			err = serverFault("answers what it was not asked")
		}
	}()
	return validate(ctx, conn)
}

// remember records the address of a new connection.
func (p *hostPreference) remember(at net.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch a := at.(type) {
	case *net.TCPAddr:
		p.last = target{a.IP.String(), uint16(a.Port)}
	case *net.UnixAddr: // the name is folder/.s.PGSQL.port
		if _, digits, ok := strings.Cut(filepath.Base(a.Name), ".s.PGSQL."); ok {
			port, _ := strconv.ParseUint(digits, 10, 16)
			p.last = target{filepath.Dir(a.Name), uint16(port)}
		}
	}
}

// order moves the host of the last connection to the front of the hosts in c.
func (p *hostPreference) order(c *pgx.ConnConfig) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ways := append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
	slices.SortStableFunc(ways, func(a, b *pgconn.FallbackConfig) int { return p.rank(a) - p.rank(b) })
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
}

// rank returns 0 for the host of the last connection, and 1 for other hosts.
func (p *hostPreference) rank(w *pgconn.FallbackConfig) int {
	if w.Port == p.last.port && (w.Host == p.last.host || slices.Contains(p.addresses[w.Host], p.last.host)) {
		return 0
	}
	return 1
}
