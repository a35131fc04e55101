package openaillm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
)

// TestNew_egress checks that an instance connects only where the policy allows.
func TestNew_egress(t *testing.T) {
	s := kitServer(t)
	dialer := func(allow ...string) *egress.Dialer {
		p, err := egress.New(egress.Public, allow)
		if err != nil {
			t.Fatal(err)
		}
		return egress.NewDialer(p)
	}
	cfg := Config{BaseURL: s.URL + "/v1", Model: "m"}
	_, err := New(cfg, WithDialer(dialer()))
	if f := fault.Of(err); err == nil || f.Class != fault.Invalid || f.Path.String() != "base_url" || !strings.Contains(f.Message, "egress { allow = [") {
		t.Errorf("%v", err)
	}
	m, err := New(cfg, WithDialer(dialer("127.0.0.1")))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
		t.Error(err)
	}
}

// TestModel_Chat_proxy checks that requests go through the operator's proxy, and contain the API key.
func TestModel_Chat_proxy(t *testing.T) {
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String() + " " + r.Header.Get("Authorization")
		w.Header().Set("Content-Type", eventStream)
		_, _ = w.Write([]byte("data: " + textPiece + "\n\ndata: [DONE]\n\n"))
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	m := open(t, Config{BaseURL: "http://models.example/v1", Model: "m", APIKey: "k"})
	if parts, _, err := talk(t.Context(), m, ask("Hi")); err != nil || len(parts) != 1 || asked != "http://models.example/v1/chat/completions Bearer k" {
		t.Errorf("%q %v %v", asked, parts, err)
	}
}
