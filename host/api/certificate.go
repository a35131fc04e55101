package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/readfile"
	"github.com/hashicorp/go-hclog"
)

// certificate is a TLS certificate and its key in two files. It reads the files again when they
// change. Its methods are safe for concurrent use.
type certificate struct {
	files config.TLS
	log   hclog.Logger
	now   func() time.Time

	mu        sync.Mutex
	checkedAt time.Time
	checking  bool // whether a connection is checking the files now
	pair      *tls.Certificate

	// Only the connection that is checking the files uses lastError and read.
	lastError string // the error of the last check; empty if the check succeeded
	read      [2]fileStamp
}

// maxPEM is the maximum size of each file in bytes. A typical certificate chain has 10 KiB.
const maxPEM = 1 << 20

// fileStamp tells two versions of a file apart without reading the file.
type fileStamp struct {
	size     int64
	modified time.Time
}

// loadCertificate reads the files. The error is a config.Problems if the certificate and the key do
// not match.
func loadCertificate(files config.TLS, log hclog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log, now: time.Now, checkedAt: time.Now()}
	pair, err := c.readIfChanged()
	if err != nil {
		return nil, err
	}
	c.pair = pair
	return c, nil
}

// tlsConfig returns the settings for TLS connections.
func (c *certificate) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		// The server offers HTTP/1.1 only. Each stream needs a connection of its own, because the
		// server cuts off a stream by closing the connection.
		NextProtos: []string{"http/1.1"},
	}
}

// get returns the certificate for a new connection. While the certificate and the key do not match,
// for example in the middle of a change, get returns the previous certificate. Only the connection
// that checks the files waits for the file system.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.due() {
		c.renew()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair, nil
}

// due reports whether the caller has to check the files now. If due returns true, no other
// connection checks the files until renew has returned.
func (c *certificate) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.checking || now.Sub(c.checkedAt) < fileCheckInterval {
		return false
	}
	c.checking, c.checkedAt = true, now
	return true
}

// renew checks the files. If they have changed and match, renew replaces the certificate.
func (c *certificate) renew() {
	pair, err := c.readIfChanged()
	switch text := fmt.Sprint(err); {
	case err == nil:
		c.lastError = ""
	case text != c.lastError:
		c.lastError = text
		c.log.Error("the changed certificate is not used; the one before goes on", "error", text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checking = false
	if pair != nil {
		c.pair = pair
		c.log.Info("the changed certificate is used from now on", "valid_until", pair.Leaf.NotAfter)
	}
}

// readIfChanged returns the certificate in the files, or nil if the files are unchanged.
func (c *certificate) readIfChanged() (*tls.Certificate, error) {
	paths := [2]string{c.files.CertFile, c.files.KeyFile}
	var now [2]fileStamp
	if err := forBothFiles(func(i int) error {
		info, err := readfile.Bounded(context.Background(), paths[i], func() (fs.FileInfo, error) { return os.Stat(paths[i]) })
		if err == nil {
			now[i] = fileStamp{info.Size(), info.ModTime()}
		}
		return err
	}); err != nil {
		return nil, err
	}
	if now == c.read {
		return nil, nil
	}
	var text [2][]byte
	if err := forBothFiles(func(i int) (err error) {
		text[i], err = readfile.Read(context.Background(), paths[i], maxPEM)
		return err
	}); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(text[0], text[1])
	if err != nil {
		return nil, config.Problems{{
			Path: config.Path{"tls"}, Message: fmt.Sprintf("%s and %s: %v", paths[0], paths[1], err), Expected: "a certificate and its key, as PEM",
		}}
	}
	c.read = now
	return &pair, nil
}

// forBothFiles calls do with 0 for the certificate and with 1 for the key. If a call fails, the
// error is a config.Problems with the configuration key of each file that failed.
func forBothFiles(do func(i int) error) error {
	var wrong config.Problems
	for i, key := range []string{"cert_file", "key_file"} {
		if err := do(i); err != nil {
			wrong = append(wrong, config.Problem{Path: config.Path{"tls", key}, Message: err.Error()})
		}
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}
