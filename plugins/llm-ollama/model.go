package ollama

import (
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// Model is one configured instance: a model on a server, with HTTP connections of
// its own.
type Model struct {
	settings
	client    *api.Client
	transport *transport
}

var (
	_ llm.LLM      = (*Model)(nil)
	_ llm.Embedder = (*Model)(nil)
	_ sdk.Limited  = (*Model)(nil)
)

// New makes an instance, or says with fault.Invalid what is wrong with cfg. It does
// not contact the server.
func New(cfg Config) (*Model, error) {
	s, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	t := newTransport(s.base, s.apiKey)
	// The client learns a name that is nobody's, and the transport puts the real one
	// in its place. See the package's documentation for why.
	alias := &url.URL{Scheme: s.base.Scheme, Host: "ollama.invalid", Path: s.base.Path, RawPath: s.base.RawPath}
	client := api.NewClient(alias, &http.Client{Transport: t, CheckRedirect: refuseRedirect})
	return &Model{settings: s, client: client, transport: t}, nil
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
		port = map[string]string{"http": "80", "https": "443"}[base.Scheme]
	}
	return base.Scheme + "://" + net.JoinHostPort(host, port) + strings.TrimRight(base.EscapedPath(), "/")
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
