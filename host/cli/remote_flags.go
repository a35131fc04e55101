package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/botyard/botyard/host/readfile"
	"github.com/spf13/cobra"
)

const (
	defaultURL   = "http://127.0.0.1:8080"
	urlEnv       = "BOTYARD_URL"
	tokenFileEnv = "BOTYARD_TOKEN_FILE"
)

// remoteFlags are the flags with the URL of a running host and with the files for access to it.
type remoteFlags struct {
	url, tokenFile, caFile string
	command                *cobra.Command // warnings go to the error output of this command; may be nil
}

// addRemote adds the flags for the URL of the host, the token and the certificate authorities.
func addRemote(c *cobra.Command) *remoteFlags {
	r := &remoteFlags{command: c}
	byDefault, set := os.LookupEnv(urlEnv)
	if !set {
		// If BOTYARD_URL is set and empty, the default stays empty, so that newClient returns
		// an error.
		byDefault = defaultURL
	}
	c.PersistentFlags().StringVar(&r.url, "url", byDefault, "`URL` of the running host; BOTYARD_URL is its default")
	r.addAccess(c)
	return r
}

// addAccess adds the flags for the token and the certificate authorities.
func (r *remoteFlags) addAccess(c *cobra.Command) {
	flags := c.PersistentFlags()
	flags.StringVar(&r.tokenFile, "token-file", os.Getenv(tokenFileEnv), "`FILE` with the token that the host asks for; "+tokenFileEnv+" is its default")
	flags.StringVar(&r.caFile, "ca-file", "", "PEM `FILE` of the certificate authorities for the host, instead of the system's")
}

// client returns a client for the host that the flags name.
func (r *remoteFlags) client() (*client, error) {
	c, err := newClient(r.url)
	if err != nil {
		return nil, err
	}
	if r.command != nil {
		c.errs = r.command.ErrOrStderr()
	}
	if _, set := os.LookupEnv(tokenFileEnv); set && r.tokenFile == "" {
		return nil, usage(errors.New(tokenFileEnv + " is set and empty; unset it, or give it the file with the token"))
	}
	if r.tokenFile != "" {
		if c.token, err = readToken(r.tokenFile); err != nil {
			return nil, fmt.Errorf("--token-file (or %s): %w", tokenFileEnv, err)
		}
		if mode, open := readfile.WorldReadable(context.Background(), r.tokenFile); open && c.errs != nil {
			fmt.Fprintf(c.errs, "botyard: warning: every user of this machine may read the token in %s (mode %04o); chmod 600 it\n", r.tokenFile, mode)
		}
	}
	if r.caFile != "" {
		pem, err := readfile.Read(context.Background(), r.caFile, maxAuthorities)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--ca-file: %s has no certificate in PEM", r.caFile)
		}
		c.transport().TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	}
	return c, nil
}

// maxAuthorities bounds the file of certificate authorities, in bytes. The file of an operating
// system has about 200 KiB.
const maxAuthorities = 8 << 20

// maxToken bounds a token file, in bytes. An HTTP header with a longer token would be refused.
const maxToken = 16 << 10

// readToken reads a token file. As in a host, a line feed at the end is not part of the token.
// Its errors never contain text of the file.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return "", err
	}
	token := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	switch {
	case token == "":
		return "", errors.New(path + " is empty")
	case len(b) > maxToken, strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return "", errors.New(path + " does not hold a token: one line of ASCII characters without spaces")
	}
	return token, nil
}
