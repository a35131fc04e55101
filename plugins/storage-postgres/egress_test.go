package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// world is a DNS resolver for the dialer of a test. It also records the addresses that the dialer
// dials.
type world struct {
	mu     sync.Mutex
	names  map[string]string
	dialed []string
}

func (w *world) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if addr, ok := w.names[host]; ok {
		return []netip.Addr{netip.MustParseAddr(addr)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (w *world) set(name, addr string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.names[name] = addr
}

// dialer returns a dialer that allows public addresses and the addresses in allow. The dialer
// connects to server instead of any address in 8.8.8.0/24 or 10.0.0.0/8.
func (w *world) dialer(t *testing.T, server string, allow ...string) *egress.Dialer {
	t.Helper()
	p, err := egress.New(egress.Public, allow)
	if err != nil {
		t.Fatal(err)
	}
	return egress.NewDialer(p, egress.WithResolver(w), egress.WithLocal(func() []netip.Addr { return nil }),
		egress.WithDial(func(ctx context.Context, network, address string) (net.Conn, error) {
			w.mu.Lock()
			w.dialed = append(w.dialed, address)
			w.mu.Unlock()
			if strings.HasPrefix(address, "8.8.8.") || strings.HasPrefix(address, "10.") {
				address = server
			}
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}))
}

// TestOpen_egress checks that Open refuses an address that the egress policy does not allow, for
// each key that can have an address. Open must refuse it before it connects.
func TestOpen_egress(t *testing.T) {
	t.Setenv("PGHOST", "8.8.8.8") // the driver must not use this variable
	for _, c := range []struct {
		set  func(*Config)
		path string // path of the expected fault; empty if newStore must succeed
	}{
		{func(c *Config) { c.Connection.Host = Hosts{"127.0.0.1"} }, "connection.host"},
		{func(c *Config) { c.Connection.Host = Hosts{"8.8.8.8", "10.0.0.5:6000"} }, "connection.host"},
		{func(c *Config) { c.Connection.Host = Hosts{"/run/postgresql"} }, "connection.host"},
		{func(c *Config) { c.Connection.Host = Hosts{"/run/pg/../postgresql"} }, "connection.host"},
		{func(c *Config) { c.Connection.Host = Hosts{"0x7f.1"} }, "connection.host"},
		{func(c *Config) {}, "connection.host"}, // the default host is localhost
		{func(c *Config) { c.Connection.Port = 6379 }, "connection.host"},
		{func(c *Config) { c.DSN = "postgres://u:secret@10.0.0.5/x" }, "dsn"},
		{func(c *Config) { c.DSN = "postgres://u:secret@/x?host=/run/postgresql" }, "dsn"},
		{func(c *Config) { c.DSN = "postgres://u:secret@8.8.8.8/x?host=10.0.0.5" }, "dsn"},
		{func(c *Config) { c.DSN = "host=8.8.8.8,::1 password=secret" }, "dsn"},
		{func(c *Config) { c.DSN = "user=u" }, "dsn"},
		{func(c *Config) { c.DSN = "host=8.8.8.8 hostaddr=10.0.0.5" }, "dsn"},
		{func(c *Config) { c.DSN = "service=inner" }, "dsn"},
		{func(c *Config) { c.DSN = "host=8.8.8.8"; c.ListenDSN = "host=10.0.0.5" }, "listen_dsn"},
		{func(c *Config) { c.DSN = "host=10.0.0.5"; c.Connection.Host = Hosts{"8.8.8.8"} }, ""},
		{func(c *Config) { c.Connection.Host = Hosts{"10.0.0.9"} }, ""},
		{func(c *Config) { c.Connection.Host = Hosts{"10.0.0.9:1"} }, "connection.host"},
		{func(c *Config) { c.Connection.Host = Hosts{"named.example"} }, ""},
		{func(c *Config) { c.Connection.Host = Hosts{"/run/allowed"} }, ""},
	} {
		t.Run(cmp.Or(c.path, "allowed"), func(t *testing.T) {
			cfg := config("")
			c.set(&cfg)
			e := env()
			w := &world{names: map[string]string{}}
			e.Dialer = w.dialer(t, "", "10.0.0.9:5432", "/run/allowed")
			s, err := newStore(cfg, e, migrations)
			if err == nil {
				s.Close()
			}
			f := fault.Of(err)
			switch {
			case c.path == "" && err != nil:
				t.Errorf("%+v: %v", cfg, err)
			case c.path != "" && (err == nil || f.Class != fault.Invalid || f.Path.String() != c.path || strings.Contains(f.Message, "secret")):
				t.Errorf("%+v: %v at %q; want it at %q", cfg, err, f.Path, c.path)
			}
			if len(w.dialed) > 0 {
				t.Errorf("%+v: dialed %v", cfg, w.dialed)
			}
		})
	}
}

// beyond: hosts of a database
func TestOpen_manyHosts(t *testing.T) {
	cfg := config("")
	for i := range maxHosts + 1 {
		cfg.Connection.Host = append(cfg.Connection.Host, fmt.Sprintf("h%d.example", i))
	}
	if _, err := newStore(cfg, env(), migrations); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "connection.host" {
		t.Error(err)
	}
	cfg = config("host=" + strings.Repeat("h,", maxHosts) + "h")
	if _, err := newStore(cfg, env(), migrations); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "dsn" {
		t.Error(err)
	}
}

// TestStore_egress checks that the egress policy is applied to the addresses of a host name at
// every new connection.
func TestStore_egress(t *testing.T) {
	c := guarded.start(t)
	server := fmt.Sprintf("127.0.0.1:%d", c.Port())
	name := unique()
	if err := c.CreateDatabase(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	for _, allowed := range []struct{ first, then string }{{"8.8.8.8", "127.0.0.1"}, {"10.0.0.7", "169.254.169.254"}} {
		t.Run(allowed.first+" then "+allowed.then, func(t *testing.T) {
			w := &world{names: map[string]string{"db.example": allowed.first}}
			cfg := config("")
			cfg.Connection = Connection{Host: Hosts{"db.example"}, Port: c.Port(), Database: name, User: "postgres", Password: "right"}
			e := env()
			e.Dialer = w.dialer(t, server, "10.0.0.0/8")
			s, err := Open(t.Context(), cfg, e)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			here := call("t", unique())
			commit(t, s, here, begin(t, s, here))
			w.set("db.example", allowed.then)
			s.pool.Reset()
			before := len(w.dialed)
			_, err = s.Begin(t.Context(), &storage.BeginRequest{Call: here, Messages: said("hi"), Holder: "h", Lease: maxLease, Attempt: "again"})
			f := fault.Of(err)
			if f.Class != fault.Invalid || f.Path.String() != "connection.host" || f.Retryable || !strings.Contains(f.Message, allowed.then) {
				t.Errorf("%s: %+v", allowed.then, f)
			}
			if len(w.dialed) != before {
				t.Errorf("dialed %v", w.dialed[before:])
			}
			if _, err := Open(t.Context(), cfg, e); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "connection.host" {
				t.Errorf("opened again: %v", err)
			}
		})
	}
}
