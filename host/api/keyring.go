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

// Keeper is a Host that has tokens. Without it a server whose mode asks for tokens
// lets nobody in.
type Keeper interface {
	// Tokens gives the tokens as they are now; it is called every few seconds.
	Tokens() (config.Tokens, error)
}

// lookEvery is how old what is known of a token's or a certificate's file may be.
const lookEvery = 2 * time.Second

// keyring knows the tokens by their sums.
type keyring struct {
	read func() (config.Tokens, error)
	log  hclog.Logger
	now  func() time.Time

	mu     sync.Mutex
	looked time.Time
	failed string // how the last look went wrong
	sums   *sums
}

type sums struct{ gateway, admin [sha256.Size]byte }

func newKeyring(h Host, log hclog.Logger) *keyring {
	k := &keyring{log: log, now: time.Now}
	if keeper, ok := h.(Keeper); ok {
		k.read = keeper.Tokens
	} else {
		k.read = func() (config.Tokens, error) { return config.Tokens{}, errors.New("this host has no tokens") }
	}
	k.current()
	return k
}

// holds says which of the tokens the request has. It takes as long for a wrong one
// as for a right one.
func (k *keyring) holds(r *http.Request) (gateway, admin bool) {
	token := bearer(r)
	known := k.current()
	if token == "" || known == nil {
		return false, false
	}
	sum := sha256.Sum256([]byte(token))
	isGateway := subtle.ConstantTimeCompare(sum[:], known.gateway[:])
	isAdmin := subtle.ConstantTimeCompare(sum[:], known.admin[:])
	return isGateway == 1, isAdmin == 1
}

// current looks for changed tokens, now and then. The look is a caller's, and so
// there is none while nobody calls; the first call after a quiet hour has what is
// valid now. Where the tokens cannot be read, those before go on.
func (k *keyring) current() *sums {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if !k.looked.IsZero() && now.Sub(k.looked) < lookEvery {
		return k.sums
	}
	k.looked = now
	tokens, err := k.read()
	if err == nil && (tokens.Gateway.Reveal() == "" || tokens.Admin.Reveal() == "") {
		// The host's files were read again and have another mode, which counts from the
		// next start.
		err = errors.New("the host's files have no tokens any more")
	}
	if err != nil {
		if text := err.Error(); text != k.failed {
			k.failed = text
			k.log.Error("the tokens cannot be read; those read before stay valid", "error", text)
		}
		return k.sums
	}
	read := &sums{sha256.Sum256([]byte(tokens.Gateway.Reveal())), sha256.Sum256([]byte(tokens.Admin.Reveal()))}
	if k.sums != nil && *k.sums != *read {
		k.log.Info("changed tokens are valid from now on, and those before are not")
	}
	k.sums, k.failed = read, ""
	return read
}
