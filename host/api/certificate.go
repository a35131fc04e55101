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

// certificate is a pair of files that are read again when they change.
type certificate struct {
	files config.TLS
	log   hclog.Logger
	now   func() time.Time

	mu     sync.Mutex
	looked time.Time
	busy   bool // somebody looks
	pair   *tls.Certificate

	// Of whoever looks.
	failed string // how the last look went wrong
	read   [2]fileStamp
}

// maxPEM bounds each of the files; a chain has some 10 KiB.
const maxPEM = 1 << 20

type fileStamp struct {
	size     int64
	modified time.Time
}

// loadCertificate fails where the files are not a pair.
func loadCertificate(files config.TLS, log hclog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log, now: time.Now, looked: time.Now()}
	pair, err := c.look()
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file, tls.key_file: %w", err)
	}
	c.pair = pair
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
// the middle of a change, the pair before goes on. Of the connections that are made
// while the files are looked at, only the one that looks waits.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	if c.due() {
		c.renew()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair, nil
}

// due says whether the caller is to look.
func (c *certificate) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.busy || now.Sub(c.looked) < lookEvery {
		return false
	}
	c.busy, c.looked = true, now
	return true
}

func (c *certificate) renew() {
	pair, err := c.look()
	switch text := fmt.Sprint(err); {
	case err == nil:
		c.failed = ""
	case text != c.failed:
		c.failed = text
		c.log.Error("the changed certificate is not used; the one before goes on", "error", text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy = false
	if pair != nil {
		c.pair = pair
		c.log.Info("the changed certificate is used from now on", "valid_until", pair.Leaf.NotAfter)
	}
}

// look answers the pair in the files, or nil where they are as they were.
func (c *certificate) look() (*tls.Certificate, error) {
	paths := [2]string{c.files.CertFile, c.files.KeyFile}
	var now [2]fileStamp
	for i, path := range paths {
		info, err := readfile.Bounded(context.Background(), path, func() (fs.FileInfo, error) { return os.Stat(path) })
		if err != nil {
			return nil, err
		}
		now[i] = fileStamp{info.Size(), info.ModTime()}
	}
	if now == c.read {
		return nil, nil
	}
	var text [2][]byte
	for i, path := range paths {
		var err error
		if text[i], err = readfile.Read(context.Background(), path, maxPEM); err != nil {
			return nil, err
		}
	}
	pair, err := tls.X509KeyPair(text[0], text[1])
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", paths[0], paths[1], err)
	}
	c.read = now
	return &pair, nil
}
