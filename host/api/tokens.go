package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/hashicorp/go-hclog"
)

// TokenSource is a Host with tokens. If auth.mode is "token" and the Host is not a TokenSource, the
// server refuses every request that needs a token.
type TokenSource interface {
	// Tokens returns the current tokens. The server calls it every few seconds, from one goroutine
	// at a time.
	Tokens() (config.Tokens, error)
}

// fileCheckInterval is how often the server checks the files of tokens and of the certificate for
// changes.
const fileCheckInterval = 2 * time.Second

// tokenCache stores the digests of the tokens. It reads the tokens again when the digests are older
// than fileCheckInterval. Its methods are safe for concurrent use.
type tokenCache struct {
	read func() (config.Tokens, error)
	log  hclog.Logger
	now  func() time.Time

	mu        sync.Mutex
	readAt    time.Time
	lastError string // the error of the last read; empty if the read succeeded
	digests   *tokenDigests
}

// tokenDigests has the SHA-256 sums of the tokens.
type tokenDigests struct{ gateway, admin [sha256.Size]byte }

func newTokenCache(h Host, log hclog.Logger) *tokenCache {
	k := &tokenCache{log: log, now: time.Now}
	if source, ok := h.(TokenSource); ok {
		k.read = source.Tokens
	} else {
		k.read = func() (config.Tokens, error) { return config.Tokens{}, errors.New("this host has no tokens") }
	}
	k.current()
	return k
}

// match reports which of the two tokens the request has. The time of the comparison does not depend
// on the token of the request.
func (k *tokenCache) match(r *http.Request) (gateway, admin bool) {
	token := bearerToken(r)
	known := k.current()
	if token == "" || known == nil {
		return false, false
	}
	sum := sha256.Sum256([]byte(token))
	isGateway := subtle.ConstantTimeCompare(sum[:], known.gateway[:])
	isAdmin := subtle.ConstantTimeCompare(sum[:], known.admin[:])
	return isGateway == 1, isAdmin == 1
}

// current returns the digests of the valid tokens, or nil if the tokens were never read. If the
// digests are too old, current reads the tokens again. So the tokens are read only when requests
// come. If reading fails, the previous tokens stay valid.
func (k *tokenCache) current() *tokenDigests {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if !k.readAt.IsZero() && now.Sub(k.readAt) < fileCheckInterval {
		return k.digests
	}
	k.readAt = now
	tokens, err := k.read()
	if err == nil && (tokens.Gateway.Reveal() == "" || tokens.Admin.Reveal() == "") {
		// The host has reloaded its files, and auth.mode is no longer "token". The new mode takes
		// effect at the next start of the host.
		err = errors.New("the host's files have no tokens any more")
	}
	if err != nil {
		if text := err.Error(); text != k.lastError {
			k.lastError = text
			k.log.Error("the tokens cannot be read; those read before stay valid", "error", text)
		}
		return k.digests
	}
	read := &tokenDigests{sha256.Sum256([]byte(tokens.Gateway.Reveal())), sha256.Sum256([]byte(tokens.Admin.Reveal()))}
	if k.digests != nil && *k.digests != *read {
		k.log.Info("changed tokens are valid from now on, and those before are not")
	}
	k.digests, k.lastError = read, ""
	return read
}
