package ollama

import (
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

// TestProxyFromEnvironment checks that requests go through the proxy that HTTP_PROXY names. Only the proxy
// can resolve the server's name.
func TestProxyFromEnvironment(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("hello"); l.done("stop") }
	var asked, credentials string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, credentials = r.URL.String(), r.Header.Get("Proxy-Authorization")
		out := r.Clone(r.Context())
		out.RequestURI, out.URL.Host = "", strings.TrimPrefix(s.URL, "http://")
		resp, err := http.DefaultTransport.RoundTrip(out)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", strings.Replace(proxy.URL, "http://", "http://me:pass-word@", 1))
	m := s.model(func(c *Config) { c.BaseURL = "http://ollama.example:11434" })
	got, _, err := talk(t.Context(), m, ask("Hi"))
	if err != nil || texts(got) != "hello|" {
		t.Errorf("%q, %v", texts(got), err)
	}
	if asked != "http://ollama.example:11434/api/chat" {
		t.Errorf("the proxy was asked for %q", asked)
	}
	if want := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:pass-word")); credentials != want {
		t.Errorf("credentials %q", credentials)
	}
	t.Setenv("NO_PROXY", "127.0.0.1")
	if _, _, err := talk(t.Context(), s.model(nil), ask("Hi")); err != nil {
		t.Errorf("without the proxy: %v", err)
	}
}

// TestProxyFromEnvironment_failures checks that errors blame the proxy and do not contain its password.
func TestProxyFromEnvironment_failures(t *testing.T) {
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
	}))
	defer refuses.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := "http://u:pass-word@" + l.Addr().String()
	_ = l.Close()
	for name, c := range map[string]struct{ proxy, base string }{
		"asks for credentials":      {strings.Replace(refuses.URL, "//", "//u:pass-word@", 1), "http://ollama.example"},
		"asks for them before TLS":  {strings.Replace(refuses.URL, "//", "//u:pass-word@", 1), "https://ollama.example"},
		"is gone":                   {gone, "http://ollama.example"},
		"is gone, and TLS is asked": {gone, "https://ollama.example"},
		"is no URL":                 {"http://u:pass-word@%zz", "http://ollama.example"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HTTP_PROXY", c.proxy)
			t.Setenv("HTTPS_PROXY", c.proxy)
			_, _, err := talk(t.Context(), open(t, Config{BaseURL: c.base, Model: "m"}), ask("Hi"))
			e := fault.Of(err)
			if e == nil || e.Class != fault.ProviderFailed || !strings.Contains(e.Message, "proxy") || strings.Contains(e.Message, "pass-word") {
				t.Errorf("%+v", e)
			}
		})
	}
}
