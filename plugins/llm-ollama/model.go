package ollama

import (
	"net/http"
	"net/url"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// Model is one configured instance of the plugin: a model on a server. It has HTTP connections of its own.
// Its methods may be called concurrently.
type Model struct {
	settings
	config    Config
	client    *api.Client
	http      *http.Client // what client sends its requests with
	dialer    *egress.Dialer
	alias     *url.URL // base URL with a placeholder for the server's name, as client has it
	transport *transport
	known     knownTraits
	missing   missingModels // pulls that failed
	share     *budget.Share // bounds the memory for the responses of all servers in this process
}

var (
	_ llm.LLM          = (*Model)(nil)
	_ llm.Embedder     = (*Model)(nil)
	_ sdk.Limited      = (*Model)(nil)
	_ sdk.LLMDescriber = (*Model)(nil)
	_ sdk.Checker      = (*Model)(nil)
)

// Option is an option for New that is not part of the configuration.
type Option func(*options)

type options struct{ dialer *egress.Dialer }

// WithDialer makes d open the connections to the server, so that d can enforce an egress policy. d does
// not open connections to a proxy that the plugin's environment names. Such a proxy belongs to the
// operator, and decides itself which servers it connects to.
func WithDialer(d *egress.Dialer) Option { return func(o *options) { o.dialer = d } }

// New returns an instance for cfg. If cfg is invalid, New returns an error of class fault.Invalid. New
// does not contact the server and does not look up its name.
func New(cfg Config, with ...Option) (*Model, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	var o options
	for _, option := range with {
		option(&o)
	}
	if err := o.dialer.CheckLiteral(s.base.Hostname(), portOf(s.base)); err != nil {
		return nil, notAllowed(egress.Of(err))
	}
	t := newTransport(s.base, s.apiKey, o.dialer)
	// api.Client gets a placeholder for the server's name, so that it does not sign requests to
	// ollama.com. The transport replaces the placeholder by the real name.
	alias := &url.URL{Scheme: s.base.Scheme, Host: "ollama.invalid", Path: s.base.Path, RawPath: s.base.RawPath}
	sender := &http.Client{Transport: t, CheckRedirect: refuseRedirect}
	return &Model{settings: s, config: cfg, client: api.NewClient(alias, sender), http: sender, dialer: o.dialer, alias: alias, transport: t, share: budget.Upstreams.Share(), missing: missingModels{patience: pullPatience}}, nil
}

// notAllowed returns the error for a base_url with an address that the egress policy forbids.
func notAllowed(r *egress.Refusal) *fault.Error {
	return invalid("base_url", "%s", r.Words())
}

// Close implements io.Closer.
func (m *Model) Close() error {
	pulls.leave(m)
	m.transport.close()
	return nil
}

// address returns the server's name and port for error messages.
func (m *Model) address() string { return m.base.Host }
