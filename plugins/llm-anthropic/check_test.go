package anthropic

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

func TestModel_Check(t *testing.T) {
	for name, c := range map[string]struct {
		model  func(http.ResponseWriter, string)
		config func(*Config)
		want   fault.Class // 0 is success
		path   string
	}{
		"there": {model: describeAs(`{"id":"claude-sonnet-4-6","type":"model"}`)},
		"a model with a slash": {config: func(c *Config) { c.Model = "a/b c" }, model: func(w http.ResponseWriter, id string) {
			if id != "a/b c" {
				t.Errorf("asked for %q", id)
			}
			describeAs(`{"id":"a/b c"}`)(w, id)
		}},
		"no such model":         {model: func(w http.ResponseWriter, id string) { refuse(w, 404, "not_found_error", "model: "+id) }, want: fault.NotFound, path: "model"},
		"a key":                 {config: func(c *Config) { c.APIKey = "wrong" }, want: fault.Unauthenticated, path: "api_key"},
		"no descriptions":       {want: fault.Unsupported},
		"another answer":        {model: describeAs(`{"object":"model"}`), want: fault.Unsupported},
		"an answer without end": {model: describeAs(`{"id":"` + strings.Repeat("x", maxDescription)), want: fault.ProviderFailed},
		"a server that is ill":  {model: func(w http.ResponseWriter, _ string) { refuse(w, 500, "api_error", "no") }, want: fault.ProviderFailed},
		"nothing there":         {config: func(c *Config) { c.BaseURL = "http://127.0.0.1:1" }, want: fault.ProviderFailed, path: "base_url"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.model = c.model
			err := s.open(c.config).Check(t.Context())
			f := fault.Of(err)
			switch {
			case c.want == 0 && err != nil, c.want != 0 && (f == nil || f.Class != c.want || f.Path.String() != c.path):
				t.Errorf("%+v", err)
			}
		})
	}
}

func TestModel_Check_slow(t *testing.T) {
	s := newServer(t)
	release := make(chan struct{})
	s.model = func(http.ResponseWriter, string) { <-release }
	defer close(release)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := s.open(nil).Check(ctx)
	if f := fault.Of(err); f == nil || f.Class != fault.Deadline || f.Path.String() != "base_url" {
		t.Errorf("%+v", err)
	}
}

// TestModel_describe_ownAPI checks that the plugin never takes Anthropic's own API for a server that
// describes no models.
func TestModel_describe_ownAPI(t *testing.T) {
	s := newServer(t)
	m := s.open(nil)
	own := *m.base
	own.Host = "api.anthropic.com" // the client keeps the address of the test's server
	m.base = &own
	if err := m.Check(t.Context()); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	s.model = describeAs(`{"object":"model"}`)
	if err := m.Check(t.Context()); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}
