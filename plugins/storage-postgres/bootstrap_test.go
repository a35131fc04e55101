package pgstore

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestOpen_wrongConfiguration checks that Open returns fault.Invalid for a configuration that can
// never work, and that the fault names the key with the mistake.
func TestOpen_wrongConfiguration(t *testing.T) {
	c := guarded.start(t)
	good := Connection{Host: Hosts{"127.0.0.1"}, Port: c.Port(), Database: "postgres", User: "postgres", Password: "right"}
	cfg := config("")
	cfg.Connection = good
	held := open(t, cfg)
	here := call("t", unique())
	running := begin(t, held, here)
	for _, try := range []struct {
		path string
		set  func(*Config)
	}{
		{"connection.password", func(c *Config) { c.Connection.Password = "wrong" }},
		{"connection.password", func(c *Config) {
			c.Connection.Host = append(c.Connection.Host, "localhost")
			c.Connection.Password = "wrong"
		}},
		{"connection.password", func(c *Config) { c.DSN = "host=elsewhere password=right"; c.Connection.Password = "wrong" }},
		{"dsn", func(c *Config) { c.DSN = "password=wrong"; c.Connection.Password = "" }},
		{"connection.database", func(c *Config) { c.Connection.Database = "missing" }},
		{"dsn", func(c *Config) { c.DSN = "dbname=missing"; c.Connection.Database = "" }},
		{"tls", func(c *Config) { c.TLS.Mode = "require" }}, // the server does not have TLS
		{"dsn", func(c *Config) { c.DSN = "sslmode=verify-full" }},
		{"tls.mode", func(c *Config) { c.TLS.Mode = "yes" }},
		{"tls.ca", func(c *Config) { c.TLS.CA = "no PEM" }},
		{"tls.cert", func(c *Config) { c.TLS.Cert = "alone" }},
		{"tls.cert", func(c *Config) { c.TLS.Cert, c.TLS.Key = "no", "pair" }},
		{"dsn", func(c *Config) { c.DSN = "nonsense" }},
		{"listen_dsn", func(c *Config) { c.ListenDSN = "nonsense" }},
		{"schema", func(c *Config) { c.Schema = `x"; drop table turns` }},
		{"pool_size", func(c *Config) { c.PoolSize = 0 }},
	} {
		t.Run(try.path, func(t *testing.T) {
			bad := config("")
			bad.Connection = good
			try.set(&bad)
			s, err := Open(t.Context(), bad, env())
			if err == nil {
				t.Errorf("%+v: opened", bad)
				s.Close()
				return
			}
			if e := fault.Of(err); e.Class != fault.Invalid || e.Path.String() != try.path || e.Party != fault.PartyTenant ||
				strings.Contains(e.Error(), "right") || strings.Contains(e.Error(), "wrong") {
				t.Errorf("refused with %s at %q: %v; want it at %q", e.Class, e.Path, err, try.path)
			}
		})
	}
	if n := commit(t, held, here, running); n != 1 { // the Store with the right password still works
		t.Errorf("number %d", n)
	}
}

// TestOpen_databaseComesLater checks that Open succeeds while the server is down, and that calls
// succeed after the server has started.
func TestOpen_databaseComesLater(t *testing.T) {
	c, name := restless(t)
	if err := c.Stop(pgtest.Fast); err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never responds
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := config("user=postgres")
	cfg.Connection = Connection{Host: Hosts{"127.0.0.1"}, Port: c.Port(), Database: name}
	later := open(t, cfg)
	cfg.ConnectTimeout = 0.5
	cfg.Connection.Host = Hosts{silent.Addr().String(), "127.0.0.1"}
	both := open(t, cfg)
	req := &storage.BeginRequest{Call: call("t", "c"), Messages: said("hi"), Holder: "h", Lease: maxLease}
	for _, s := range []*Store{later, both} {
		_, err := s.Begin(t.Context(), req)
		if e := fault.Of(err); err == nil || e.Class != fault.ProviderFailed || !e.Retryable || e.RetryAfter != 0 {
			t.Errorf("without a database: %v, retryable %t after %s", err, e.Retryable, e.RetryAfter)
		}
	}
	if err := c.StartAgain(t.Context()); err != nil {
		t.Fatal(err)
	}
	commit(t, later, call("t", "c"), begin(t, later, call("t", "c")))
	commit(t, both, call("t", "c"), begin(t, both, call("t", "c")))
}

// TestReady_deadline checks that a call returns at the deadline of its context, even during a
// bootstrap.
func TestReady_deadline(t *testing.T) {
	t.Parallel() // most of the time the test waits
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := config("")
	cfg.Connection.Host = Hosts{silent.Addr().String()}
	s := open(t, cfg) // open succeeds although the server never responds
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = s.Begin(ctx, &storage.BeginRequest{Call: call("t", "c"), Messages: said("hi"), Holder: "h", Lease: maxLease})
	if !fault.Is(err, fault.Deadline) {
		t.Errorf("%v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err = s.Begin(ctx, &storage.BeginRequest{Call: call("t", "c"), Messages: said("hi"), Holder: "h", Lease: maxLease}); !fault.Is(err, fault.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestTLS(t *testing.T) {
	c, database := restless(t)
	ca, key := certificate(t, "localhost")
	other, _ := certificate(t, "localhost")
	dir, _ := c.Socket()
	for name, text := range map[string]string{"cert": ca, "key": key} {
		// A command in the server writes the file, so that the operating system user of the server
		// owns it.
		sql := fmt.Sprintf(`copy (select regexp_split_to_table('%s', E'\n')) to '%s/%s'`, strings.TrimSpace(text), dir, name)
		for _, sql := range []string{sql, fmt.Sprintf(`alter system set ssl_%s_file = '%s/%s'`, name, dir, name)} {
			if _, err := c.Exec(t.Context(), "", sql); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(dir+"/"+name, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Exec(t.Context(), "", "alter system set ssl = on"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{c.Stop(pgtest.Immediate), c.StartAgain(t.Context())} {
		if step != nil {
			t.Fatal(step)
		}
	}
	for _, try := range []struct {
		host, mode, ca string
		path           string // path of the expected fault; empty if Open must succeed
		ssl            bool
	}{
		{"localhost", "", "", "", true},
		{"localhost", "disable", "", "", false},
		{"localhost", "require", "", "", true},
		{"localhost", "", ca, "", true},
		{"localhost", "verify-full", ca, "", true},
		{"127.0.0.1", "verify-ca", ca, "", true},
		{"127.0.0.1", "verify-full", ca, "tls", false},
		{"localhost", "verify-full", "", "tls", false},
		{"localhost", "verify-full", other, "tls", false},
		{"localhost", "verify-ca", other, "tls", false},
	} {
		t.Run(fmt.Sprintf("%s at %s", cmp.Or(try.mode, "default"), try.host), func(t *testing.T) {
			cfg := config("")
			cfg.Connection = Connection{Host: Hosts{try.host}, Port: c.Port(), User: "postgres", Database: database}
			cfg.TLS = TLS{Mode: try.mode, CA: try.ca}
			s, err := Open(t.Context(), cfg, env())
			if try.path != "" {
				if e := fault.Of(err); err == nil || e.Class != fault.Invalid || e.Path.String() != try.path {
					t.Errorf("%+v: %v", try, err)
				}
				return
			}
			if err != nil {
				t.Errorf("%+v: %v", try, err)
				return
			}
			var ssl bool
			err = s.pool.QueryRow(t.Context(), `select ssl from pg_stat_ssl where pid = pg_backend_pid()`).Scan(&ssl)
			if err != nil || ssl != try.ssl {
				t.Errorf("%s at %s: ssl is %t, %v", try.mode, try.host, ssl, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// certificate returns a self-signed certificate and its private key as PEM.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}
