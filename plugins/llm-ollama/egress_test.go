package ollama

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// lookups is a resolver. It maps names to their current addresses.
type lookups map[string]string

func (l lookups) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	if addr, ok := l[host]; ok {
		return []netip.Addr{netip.MustParseAddr(addr)}, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// publicly returns a dialer whose policy allows public addresses and the addresses in allow. It connects
// 8.8.8.8:80 to the test's server.
func publicly(t *testing.T, names lookups, server string, allow ...string) *egress.Dialer {
	t.Helper()
	p, err := egress.New(egress.Public, allow)
	if err != nil {
		t.Fatal(err)
	}
	return egress.NewDialer(p, egress.WithResolver(names), egress.WithLocal(func() []netip.Addr { return nil }),
		egress.WithDial(func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "8.8.8.8:80" {
				address = server
			}
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}))
}

// TestNew_egress checks that New refuses a base_url with a forbidden IP address, before any connection.
func TestNew_egress(t *testing.T) {
	for base, want := range map[string]bool{
		"http://127.0.0.1:11434": false, "http://localhost:11434": false, "http://10.0.0.5": false, "https://[::1]:443": false, "http://0x7f.1": false,
		"http://169.254.169.254/latest": false, "": false,
		"http://8.8.8.8": true, "https://ollama.com": true, "http://named.internal": true, "http://10.0.0.9:11434": true,
	} {
		t.Run(cmp.Or(base, "the default"), func(t *testing.T) {
			m, err := New(Config{BaseURL: base, Model: "m"}, WithDialer(publicly(t, nil, "", "10.0.0.9:11434")))
			if (err == nil) != want {
				t.Errorf("accepted: %t, want %t (%v)", err == nil, want, err)
			}
			if err == nil {
				_ = m.Close()
			} else if f := fault.Of(err); f.Class != fault.Invalid || f.Path.String() != "base_url" || f.Party != fault.PartyTenant || !strings.Contains(f.Message, "egress { allow = [") {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestModel_Chat_egress checks that the plugin applies the policy to each new connection. The server's
// name leads to a public address first, and to a forbidden address later.
func TestModel_Chat_egress(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("hello"); l.done("stop") }
	names := lookups{"named.example": "8.8.8.8"}
	m, err := New(Config{BaseURL: "http://named.example", Model: "m"}, WithDialer(publicly(t, names, strings.TrimPrefix(s.URL, "http://"))))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if got, _, err := talk(t.Context(), m, ask("Hi")); err != nil || texts(got) != "hello|" {
		t.Fatalf("%q %v", texts(got), err)
	}
	m.transport.close() // the next call opens a new connection
	names["named.example"] = strings.Split(strings.TrimPrefix(s.URL, "http://"), ":")[0]
	for _, call := range []func() error{
		func() error { _, _, err := talk(t.Context(), m, ask("Hi")); return err },
		func() error {
			_, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"x"}})
			return err
		},
	} {
		f := fault.Of(call())
		if f.Class != fault.Invalid || f.Path.String() != "base_url" || f.Retryable || !strings.Contains(f.Message, "127.0.0.1") {
			t.Errorf("%+v", f)
		}
	}
}

// TestModel_Chat_egressProxy checks the policy when the operator configures a proxy. The proxy decides
// about names. The plugin decides about IP addresses and about names in NO_PROXY.
func TestModel_Chat_egressProxy(t *testing.T) {
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.Error(w, "not from here", http.StatusForbidden)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "direct.internal")
	names := lookups{"direct.internal": "10.0.0.5", "behind.internal": "10.0.0.5"}
	try := func(base string) error {
		m, err := New(Config{BaseURL: base, Model: "m"}, WithDialer(publicly(t, names, "")))
		if err != nil {
			return err
		}
		defer m.Close()
		_, _, err = talk(t.Context(), m, ask("Hi"))
		return err
	}
	if err := try("http://behind.internal"); asked.Load() != 1 || !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) {
		t.Errorf("the proxy was asked %d times: %v", asked.Load(), err)
	}
	for _, base := range []string{"http://direct.internal", "http://10.0.0.5", proxy.URL} {
		if f := fault.Of(try(base)); f.Class != fault.Invalid || f.Path.String() != "base_url" {
			t.Errorf("%s: %v", base, f)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("the proxy was asked %d times", asked.Load())
	}
}
