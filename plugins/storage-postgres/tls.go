package pgstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgconn"
)

// tlsSettings has the parsed settings of a TLS block. The driver's own TLS settings are not used,
// because they would name files.
type tlsSettings struct {
	mode  string
	roots *x509.CertPool // nil for the certificate authorities of the system
	certs []tls.Certificate
}

// settings parses the block. If the block has no mode, the sslmode of the DSN counts. dsnPath is
// the key of the DSN in faults.
func (t *TLS) settings(dsnMode, dsnPath string) (*tlsSettings, error) {
	bad := func(path, format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).At(fault.Keys(path)...).By(fault.PartyTenant)
	}
	p := &tlsSettings{mode: t.Mode}
	switch {
	case p.mode != "":
	case dsnMode != "":
		p.mode = dsnMode
	case t.CA != "":
		p.mode = "verify-full"
	default:
		p.mode = "prefer"
	}
	switch p.mode {
	case "disable", "prefer", "require", "verify-ca", "verify-full":
	default:
		path := "tls.mode"
		if t.Mode == "" {
			path = dsnPath
		}
		return nil, bad(path, "is no way to use TLS: sslmode is disable, prefer, require, verify-ca or verify-full")
	}
	if t.CA != "" {
		p.roots = x509.NewCertPool()
		if !p.roots.AppendCertsFromPEM([]byte(t.CA)) {
			return nil, bad("tls.ca", "has no certificate in it; a PEM text was expected")
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		return nil, bad("tls.cert", "cert and key come together")
	}
	if t.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(t.Cert), []byte(t.Key))
		if err != nil {
			return nil, bad("tls.cert", "cert and key are no pair of PEM texts")
		}
		p.certs = []tls.Certificate{pair}
	}
	return p, nil
}

// apply configures TLS for all hosts of cfg. The driver has parsed cfg with sslmode=disable.
func (p *tlsSettings) apply(cfg *pgconn.Config) {
	if p.mode == "disable" {
		return
	}
	targets := []target{{cfg.Host, cfg.Port}}
	for _, f := range cfg.Fallbacks {
		targets = append(targets, target{f.Host, f.Port})
	}
	var ways []*pgconn.FallbackConfig
	for _, t := range targets {
		if strings.HasPrefix(t.host, "/") { // a Unix socket has no TLS
			ways = append(ways, &pgconn.FallbackConfig{Host: t.host, Port: t.port})
			continue
		}
		ways = append(ways, &pgconn.FallbackConfig{Host: t.host, Port: t.port, TLSConfig: p.config(t.host)})
		if p.mode == "prefer" {
			ways = append(ways, &pgconn.FallbackConfig{Host: t.host, Port: t.port})
		}
	}
	cfg.Host, cfg.Port, cfg.TLSConfig, cfg.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
}

// config returns the TLS configuration for a host.
func (p *tlsSettings) config(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.roots, Certificates: p.certs, ServerName: host}
	switch p.mode {
	case "prefer", "require":
		c.InsecureSkipVerify = true
	case "verify-ca":
		// VerifyConnection verifies the certificate chain. The name of the host is not verified in
		// this mode.
		c.InsecureSkipVerify = true
		c.VerifyConnection = func(state tls.ConnectionState) error {
			if len(state.PeerCertificates) == 0 {
				return errors.New("the server showed no certificate")
			}
			opts := x509.VerifyOptions{Roots: p.roots, Intermediates: x509.NewCertPool()}
			for _, c := range state.PeerCertificates[1:] {
				opts.Intermediates.AddCert(c)
			}
			_, err := state.PeerCertificates[0].Verify(opts)
			return err
		}
	}
	return c
}
