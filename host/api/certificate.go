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

// loadCertificate fails with config.Problems where the files are not a pair.
func loadCertificate(files config.TLS, log hclog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log, now: time.Now, looked: time.Now()}
	pair, err := c.look()
	if err != nil {
		return nil, err
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
	if err := both(func(i int) error {
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
	if err := both(func(i int) (err error) {
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

// both does what is to be done with each of the two files, and says for which keys it
// failed.
func both(do func(i int) error) error {
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
