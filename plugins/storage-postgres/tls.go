package pgstore

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5/pgconn"
)

// tlsSettings are the settings of a TLS block. Certificates are texts. The driver's own
// settings are not used, since they name files.
type tlsSettings struct {
	mode  string
	roots *x509.CertPool // nil: the system's
	certs []tls.Certificate
}

// settings parses the certificates. Without a mode in the block, the DSN's mode counts.
func (t *TLS) settings(dsnMode, dsnPath string) (*tlsSettings, error) {
	bad := func(path, format string, args ...any) error {
		return fault.New(fault.Invalid, format, args...).At(path).By(fault.PartyTenant)
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

// apply sets TLS for all hosts of the configuration, which was parsed without TLS.
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
		if strings.HasPrefix(t.host, "/") { // a unix socket
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

// config returns the TLS configuration for one host.
func (p *tlsSettings) config(host string) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: p.roots, Certificates: p.certs, ServerName: host}
	switch p.mode {
	case "prefer", "require":
		c.InsecureSkipVerify = true
	case "verify-ca":
		c.InsecureSkipVerify = true // skips the check of the name; the chain is verified below
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
