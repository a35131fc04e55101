package upstream

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

func TestClient_Do(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.String() != "/v1/a%2Fb?q=1" || r.Header.Get("Authorization") != "Bearer k" || r.Header.Get("Content-Type") != "application/json" ||
			r.Header.Get("Accept") != "text/event-stream" || r.Header.Get("Accept-Encoding") != "identity" || string(body) != "{}" {
			t.Errorf("%s %v %s", r.URL, r.Header, body)
		}
		w.Header().Set("Retry-After", "7")
		w.Header().Set("Content-Type", "Application/JSON; charset=utf-8")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, strings.Repeat("e", sdk.MaxUpstreamErrorBytes+1))
	}, func(o *Options) {
		o.Base = o.Base.JoinPath("v1")
		o.Header = http.Header{"Authorization": {"Bearer k"}}
	})
	r, err := c.Do(t.Context(), &Request{
		Method: http.MethodPost, Path: "a%2Fb", Query: map[string][]string{"q": {"1"}}, Body: []byte("{}"), Accept: "text/event-stream",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if !r.Failed() || r.Status != 429 || r.RetryAfter != 7*time.Second || r.MediaType() != "application/json" {
		t.Errorf("%+v", r)
	}
	if n := len(r.ErrorBody()); n != sdk.MaxUpstreamErrorBytes {
		t.Errorf("%d bytes of the error are read", n)
	}
}

// TestClient_HTTP checks what the HTTP client does for a library. It adds the headers of Options,
// removes the headers that describe the machine, and cuts a long error.
func TestClient_HTTP(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer k" || r.Header.Get("X-Stainless-Os") != "" || r.Header.Get("User-Agent") != "botyard" {
			t.Errorf("%v", r.Header)
		}
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.Repeat("e", 10*sdk.MaxUpstreamErrorBytes))
	}, func(o *Options) { o.Header = http.Header{"Authorization": {"Bearer k"}} })
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.base.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Stainless-OS", "Linux")
	resp, err := c.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || len(text) != sdk.MaxUpstreamErrorBytes {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	resp.Body = io.NopCloser(strings.NewReader("as a library keeps it"))
	if r := c.Response(resp); string(r.ErrorBody()) != "as a library keeps it" || r.RetryAfter != 3*time.Second {
		t.Errorf("%+v", r)
	}
}

func TestClient_Do_redirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer other.Close()
	_, err := get(t, serve(t, http.RedirectHandler(other.URL, http.StatusTemporaryRedirect).ServeHTTP, nil))
	if f := fault.Of(err); f.Class != fault.Invalid || f.Path.String() != "base_url" || f.Party != fault.PartyTenant {
		t.Errorf("%+v", f)
	}
}

// TestClient_Do_secret checks that the error for a response that is not HTTP does not contain the API
// key.
func TestClient_Do_secret(t *testing.T) {
	const key = "sk-a-secret-of-the-test"
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 "+key+" no\r\n\r\n")
		_ = conn.Close()
	}, func(o *Options) { o.Secrets = []string{key} })
	_, err := get(t, c)
	if !fault.Is(err, fault.ProviderFailed) || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), Redacted) {
		t.Error(err)
	}
}

func TestClient_Do_unreachable(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for name, c := range map[string]struct {
		base  string
		class fault.Class
		want  string
	}{
		"nothing there":       {"http://127.0.0.1:1", fault.ProviderFailed, "nothing listens"},
		"no TLS":              {strings.Replace(plain.URL, "http:", "https:", 1), fault.Invalid, "speaks no TLS"},
		"unknown certificate": {secure.URL, fault.ProviderFailed, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := get(t, open(t, c.base, nil))
			if f := fault.Of(err); f.Class != c.class || f.Path.String() != "base_url" || !strings.Contains(f.Message, c.want) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestClient_Do_canceled(t *testing.T) {
	c := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Do(ctx, &Request{Method: http.MethodGet}); !fault.Is(err, fault.Deadline) {
		t.Error(err)
	}
}

func TestNew_egress(t *testing.T) {
	policy, err := egress.New(egress.Public, nil)
	if err != nil {
		t.Fatal(err)
	}
	for base, ok := range map[string]bool{"http://127.0.0.1:1": false, "http://localhost": false, "https://8.8.8.8": true, "https://api.example.org": true} {
		u, err := ParseBaseURL(base, "")
		if err != nil {
			t.Fatal(err)
		}
		c, err := New(Options{Base: u, Dialer: egress.NewDialer(policy)})
		switch {
		case err == nil:
			c.Close()
		case fault.Of(err).Path.String() != "base_url":
			t.Errorf("%s: %v", base, err)
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// TestClient_Do_proxy checks that requests go through the proxy that HTTP_PROXY names.
func TestClient_Do_proxy(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.String() }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	if _, err := get(t, open(t, "http://models.example:81/v1", nil)); err != nil || asked != "http://models.example:81/v1/x" {
		t.Errorf("%q, %v", asked, err)
	}
	t.Setenv("HTTP_PROXY", "http://me:pass-word@%zz")
	if _, err := get(t, open(t, "http://models.example", nil)); !fault.Is(err, fault.ProviderFailed) || strings.Contains(err.Error(), "pass-word") {
		t.Error(err)
	}
}

func TestParseBaseURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://api.example.org/v1": true, "http://127.0.0.1:8080": true,
		"": false, "api.example.org": false, "ftp://h": false, "https://u:p@h": false, "https://h?x": false, "https://h#x": false, "http://[::": false,
	} {
		u, err := ParseBaseURL(text, "https://api.example.org/v1")
		if (err == nil) != ok || err != nil && fault.Of(err).Path.String() != "base_url" {
			t.Errorf("%q: %v, %v", text, u, err)
		}
	}
}
