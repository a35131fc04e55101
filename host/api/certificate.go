package api

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/hashicorp/go-hclog"
)

// certificate is a pair of files that are read again when they change.
type certificate struct {
	files config.TLS
	log   hclog.Logger
	now   func() time.Time

	mu     sync.Mutex
	looked time.Time
	failed string // how the last look went wrong
	read   [2]fileStamp
	pair   *tls.Certificate
}

type fileStamp struct {
	size     int64
	modified time.Time
}

// loadCertificate fails where the files are not a pair.
func loadCertificate(files config.TLS, log hclog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log, now: time.Now, looked: time.Now()}
	if err := c.look(); err != nil {
		return nil, fmt.Errorf("tls.cert_file, tls.key_file: %w", err)
	}
	return c, nil
}

// settings are what connections are made with.
func (c *certificate) settings() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: c.get,
		// A stream is cut off, and told to wait, by its connection: it must not share it.
		NextProtos: []string{"http/1.1"},
	}
}

// get is for each connection that is made. Where the files are not a pair, as in
// the middle of a change, the pair before goes on.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		if err := c.look(); err != nil {
			if text := err.Error(); text != c.failed {
				c.failed = text
				c.log.Error("the changed certificate is not used; the one before goes on", "error", text)
			}
		}
	}
	return c.pair, nil
}

func (c *certificate) look() error {
	var now [2]fileStamp
	for i, path := range []string{c.files.CertFile, c.files.KeyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		now[i] = fileStamp{info.Size(), info.ModTime()}
	}
	if c.pair != nil && now == c.read {
		c.failed = ""
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.files.CertFile, c.files.KeyFile)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", c.files.CertFile, c.files.KeyFile, err)
	}
	if c.pair != nil {
		c.log.Info("the changed certificate is used from now on", "valid_until", pair.Leaf.NotAfter)
	}
	c.pair, c.read, c.failed = &pair, now, ""
	return nil
}
