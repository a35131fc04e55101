package ollama

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestRefuseRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	_, _, err := talk(t.Context(), open(t, Config{BaseURL: s.URL, Model: "m", APIKey: "k"}), ask("Hi"))
	if f := fault.Of(err); f == nil || f.Class != fault.Invalid || f.Path.String() != "base_url" || f.Party != fault.PartyTenant {
		t.Errorf("got %v, %+v", err, f)
	}
}
