package ollama

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

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

// Capacity implements sdk.Limited. An Ollama server works on few calls of a model at
// once, and serves those that wait first come, first served, whosever they are.
func (m *Model) Capacity() sdk.Capacity {
	// A digest: a name of bounded length, that tells nothing.
	sum := sha256.Sum256([]byte(serverOf(m.base) + "\x00" + tagged(m.model)))
	return sdk.Capacity{Parallel: m.parallel, Upstream: hex.EncodeToString(sum[:])}
}

// serverOf names a server the same however its URL is written.
func serverOf(base *url.URL) string {
	host, port := strings.ToLower(base.Hostname()), base.Port()
	if ip, err := netip.ParseAddr(host); host == "localhost" || err == nil && ip.IsLoopback() {
		host = "localhost"
	}
	if port == "" {
		port = strconv.Itoa(int(portOf(base)))
	}
	return base.Scheme + "://" + net.JoinHostPort(host, port) + strings.TrimRight(base.EscapedPath(), "/")
}

// portOf is the port that a URL leads to; 0 where it is none.
func portOf(base *url.URL) uint16 {
	if base.Port() == "" {
		return map[string]uint16{"http": 80, "https": 443}[base.Scheme]
	}
	port, _ := strconv.ParseUint(base.Port(), 10, 16)
	return uint16(port)
}

// notAllowed is the fault of an address that the operator does not let the settings name.
func notAllowed(r *egress.Refusal) *fault.Error {
	return invalid("base_url", "%s", r.Words())
}

// tagged is the model's name with the tag that Ollama takes where none is given.
func tagged(model string) string {
	if strings.Contains(model[strings.LastIndex(model, "/")+1:], ":") {
		return model
	}
	return model + ":latest"
}

// Close implements io.Closer.
func (m *Model) Close() error {
	m.transport.close()
	return nil
}

// address is how errors call the server.
func (m *Model) address() string { return m.base.Host }
