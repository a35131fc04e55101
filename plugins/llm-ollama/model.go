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

// Model is one configured instance: a model on a server, with HTTP connections of
// its own.
type Model struct {
	settings
	client    *api.Client
	transport *transport
	share     *budget.Share // of what the process holds of all servers' answers
}

var (
	_ llm.LLM      = (*Model)(nil)
	_ llm.Embedder = (*Model)(nil)
	_ sdk.Limited  = (*Model)(nil)
)

// Option changes how an instance works beside its configuration.
type Option func(*options)

type options struct{ dialer *egress.Dialer }

// WithDialer has d make the connections to the server. Those to a proxy that the
// environment names are the operator's, and it judges what lies behind.
func WithDialer(d *egress.Dialer) Option { return func(o *options) { o.dialer = d } }

// New makes an instance, or says with fault.Invalid what is wrong with cfg. It does
// not contact the server, and looks up no name.
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
	// The client learns a name that is nobody's, and the transport puts the real one
	// in its place. See the package's documentation for why.
	alias := &url.URL{Scheme: s.base.Scheme, Host: "ollama.invalid", Path: s.base.Path, RawPath: s.base.RawPath}
	client := api.NewClient(alias, &http.Client{Transport: t, CheckRedirect: refuseRedirect})
	return &Model{settings: s, client: client, transport: t, share: budget.Upstreams.Share()}, nil
}

// notAllowed is the fault of an address that the operator does not let the settings name.
func notAllowed(r *egress.Refusal) *fault.Error {
	return invalid("base_url", "%s", r.Words())
}

// Close implements io.Closer.
func (m *Model) Close() error {
	m.transport.close()
	return nil
}

// address is how errors call the server.
func (m *Model) address() string { return m.base.Host }
