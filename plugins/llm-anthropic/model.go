package anthropic

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	api "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/upstream"
)

// Model is one configured instance of the plugin: a model on a server. It has HTTP connections of its
// own. Any number of goroutines may call its methods at the same time, except Close.
type Model struct {
	settings
	given  Config           // the configuration as it was given; overrides apply to it
	maker  string           // the maker of provider states
	api    api.Client       // sends requests with client
	client *upstream.Client // bounds the server's responses
	known  knownTraits
}

var (
	_ llm.LLM          = (*Model)(nil)
	_ sdk.LLMDescriber = (*Model)(nil)
	_ sdk.Checker      = (*Model)(nil)
)

// Option is an option for New that is not part of the configuration.
type Option func(*setup)

type setup struct{ dialer *egress.Dialer }

// WithDialer makes d open the connections to the server, so that d can enforce an egress policy. d does
// not open connections to a proxy that the plugin's environment names. Such a proxy belongs to the
// operator, and decides itself which servers it connects to.
func WithDialer(d *egress.Dialer) Option { return func(o *setup) { o.dialer = d } }

// New returns an instance for cfg, which the caller closes. If cfg is invalid, New returns an error of
// class fault.Invalid. New does not contact the server and does not look up its name.
func New(cfg Config, with ...Option) (*Model, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	var o setup
	for _, set := range with {
		set(&o)
	}
	header := http.Header{}
	if s.APIKey != "" {
		header.Set("X-Api-Key", s.APIKey)
		if !s.ownAPI() { // gateways read one of the two headers
			header.Set("Authorization", "Bearer "+s.APIKey)
		}
	}
	client, err := upstream.New(upstream.Options{
		Base: s.base, Name: "the Anthropic API", Header: header, Secrets: []string{s.APIKey}, Dialer: o.dialer,
	})
	if err != nil {
		return nil, err
	}
	return &Model{settings: s, given: cfg, maker: makerOf(&s), client: client, api: api.NewClient(
		// The client ignores environment variables: they do not belong to the tenant.
		option.WithoutEnvironmentDefaults(),
		option.WithBaseURL(s.base.String()), option.WithHTTPClient(client.HTTP()), option.WithMaxRetries(0),
	)}, nil
}

// Close implements io.Closer. It closes the idle connections. The caller calls it when all calls have
// returned.
func (m *Model) Close() error {
	m.client.Close()
	return nil
}

// makerOf returns the maker of the instance's provider states, which is its server and its model. The
// account is not part of it, because the signatures of thinking do not depend on the account.
func makerOf(s *settings) string {
	maker := "anthropic:" + strings.ToLower(s.base.Host) + strings.TrimRight(s.base.EscapedPath(), "/") + ":" + s.Model
	if len(maker) > sdk.MaxMakerBytes {
		sum := sha256.Sum256([]byte(maker))
		return "anthropic:" + hex.EncodeToString(sum[:])
	}
	return maker
}
