package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestClient_sendsTextsAsTheyAre checks that the client does not escape the characters <, > and &,
// which would make a document longer.
func TestClient_sendsTextsAsTheyAre(t *testing.T) {
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
	}))
	defer s.Close()
	c := &client{base: s.URL, http: s.Client()}
	resp, err := c.send(t.Context(), http.MethodPut, "/", nil, map[string]string{"text": "<&>\u2028"})
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if !strings.Contains(got, "<&>") {
		t.Errorf("%s", got)
	}
}
