package openaillm

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
)

// Model is one configured instance of the plugin: a model on a server. It has HTTP connections of its
// own. Any number of goroutines may call its methods at the same time, except Close.
type Model struct {
	settings
	config Config // as it was given; overrides apply to it
	client *upstream.Client
	api    services // send their requests with client
	traits sdk.LLMTraits
}

var (
	_ llm.LLM          = (*Model)(nil)
	_ llm.Embedder     = (*Model)(nil)
	_ sdk.Limited      = (*Model)(nil)
	_ sdk.LLMDescriber = (*Model)(nil)
	_ sdk.Checker      = (*Model)(nil)
)

// Option is an option for New that is not part of the configuration.
type Option func(*openOptions)

type openOptions struct{ dialer *egress.Dialer }

// WithDialer makes d open the connections to the server, so that d can enforce an egress policy. d does
// not open connections to a proxy that the plugin's environment names. Such a proxy belongs to the
// operator, and decides itself which servers it connects to.
func WithDialer(d *egress.Dialer) Option { return func(o *openOptions) { o.dialer = d } }

// New returns an instance for cfg, which the caller closes. If cfg is invalid, New returns an error of
// class fault.Invalid. New does not contact the server and does not look up its name.
func New(cfg Config, with ...Option) (*Model, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	var o openOptions
	for _, option := range with {
		option(&o)
	}
	name := "the server"
	if s.own {
		name = "the OpenAI server"
	}
	client, err := upstream.New(upstream.Options{
		Base: s.base, Name: name, Header: s.header(), Secrets: []string{s.APIKey}, Dialer: o.dialer,
	})
	if err != nil {
		return nil, err
	}
	m := &Model{settings: s, config: cfg, client: client, api: newServices(s.base, client)}
	m.traits = m.knownTraits()
	return m, nil
}

// header returns the headers of all requests. They contain the API key.
func (s *settings) header() http.Header {
	h := http.Header{}
	if s.APIKey != "" {
		if s.Azure != nil {
			h.Set("Api-Key", s.APIKey)
		} else {
			h.Set("Authorization", "Bearer "+s.APIKey)
		}
	}
	if s.Organization != "" {
		h.Set("OpenAI-Organization", s.Organization)
	}
	if s.Project != "" {
		h.Set("OpenAI-Project", s.Project)
	}
	return h
}

// Close implements io.Closer. It closes the idle connections. The caller calls it when all calls have
// returned.
func (m *Model) Close() error {
	m.client.Close()
	return nil
}

// Capacity implements sdk.Limited. Without the key parallel, any number of calls may run.
func (m *Model) Capacity() sdk.Capacity {
	if m.Parallel == 0 {
		return sdk.Capacity{}
	}
	// The upstream's name is a digest, so that it has a fixed length and does not reveal the server's
	// address.
	return sdk.Capacity{Parallel: m.Parallel, Upstream: digest(m.serverID(), m.Model)}
}

// serverID returns a text that identifies the server. The usual spellings of a URL have the same text.
func (m *Model) serverID() string {
	return strings.ToLower(m.base.Scheme+"://"+m.base.Hostname()) + ":" + strconv.Itoa(int(upstream.PortOf(m.base))) +
		strings.TrimRight(m.base.EscapedPath(), "/")
}

// digest returns the SHA-256 digest of the texts, in hexadecimal.
func digest(texts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return hex.EncodeToString(sum[:])
}
