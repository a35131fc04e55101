package ollama

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// TestModel_fetch_blames checks which configuration key the error of a pull names, in a call that embeds
// too. A pull that fails for the key or the address is no fault of the model.
func TestModel_fetch_blames(t *testing.T) {
	for name, c := range map[string]struct {
		pull  func(*lines)
		class fault.Class
		path  string // with % for the key of the model
	}{
		"no such model": {func(l *lines) { l.raw(`{"error":"pull model manifest: file does not exist"}` + "\n") }, fault.NotFound, "%"},
		"not signed in": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(http.StatusUnauthorized)
			_, _ = l.Write([]byte(`{"error":"unauthorized","signin_url":"https://example.com/k"}`))
		}, fault.Unauthenticated, "%"},
		"a wrong key": {func(l *lines) { refuse(l, 401, "who are you?") }, fault.Unauthenticated, "api_key"},
		"not allowed": {func(l *lines) { refuse(l, 403, "no pulls here") }, fault.Forbidden, "api_key"},
		"no API":      {func(l *lines) { http.Error(l, "no such page", http.StatusNotFound) }, fault.NotFound, "base_url"},
		"no space":    {func(l *lines) { l.raw(`{"error":"write /x: no space left on device"}` + "\n") }, fault.ProviderFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.pull = c.pull
			m := r.model(func(cfg *Config) { pulling(cfg); cfg.APIKey, cfg.EmbeddingModel = "wrong", "minilm" })
			_, _, chatErr := talk(t.Context(), m, ask("Hi"))
			_, embedErr := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}})
			for key, err := range map[string]error{"model": chatErr, "embedding_model": embedErr} {
				if f := fault.Of(err); err == nil || f.Class != c.class || f.Path.String() != strings.Replace(c.path, "%", key, 1) {
					t.Errorf("%s: %v", key, err)
				}
			}
		})
	}
}

// TestModel_pullKey checks that instances share a pull if the same settings decide how it ends, and only
// then.
func TestModel_pullKey(t *testing.T) {
	none, err := egress.New(egress.None, nil)
	if err != nil {
		t.Fatal(err)
	}
	base := Config{BaseURL: "http://example.com:11434", Model: "m", APIKey: "a", Pull: true}
	one := open(t, base).pullKey("m")
	for name, c := range map[string]struct {
		change func(*Config)
		with   []Option
		same   bool
	}{
		"the same":           {func(*Config) {}, nil, true},
		"another spelling":   {func(c *Config) { c.BaseURL, c.APIKey = "http://EXAMPLE.com:11434/", "a\n" }, nil, true},
		"what does not tell": {func(c *Config) { c.Parallel, c.MaxTokens = 3, new(9) }, nil, true},
		"another server":     {func(c *Config) { c.BaseURL = "http://example.com:11435" }, nil, false},
		"another key":        {func(c *Config) { c.APIKey = "b" }, nil, false},
		"no key":             {func(c *Config) { c.APIKey = "" }, nil, false},
		"less time":          {func(c *Config) { c.PullTimeout = time.Second }, nil, false},
		"another policy":     {func(*Config) {}, []Option{WithDialer(egress.NewDialer(none))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := base
			c.change(&cfg)
			m, err := New(cfg, c.with...)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if same := m.pullKey("m:latest") == one; same != c.same {
				t.Errorf("they share a pull: %t", same)
			}
		})
	}
}

// TestPullSet_ofOneKey checks that an instance waits for no pull of an instance with another API key, and
// so does not get its refusal.
func TestPullSet_ofOneKey(t *testing.T) {
	r := newRegistry(t)
	began, more := make(chan struct{}), make(chan struct{})
	r.pull = func(l *lines) {
		r.mu.Lock()
		key := r.headers.Get("Authorization")
		r.mu.Unlock()
		if key != "Bearer right" {
			close(began)
			<-more
			refuse(l, 401, "who are you?")
			return
		}
		r.succeed(l)
	}
	model := func(key string) *Model {
		m := r.model(func(c *Config) { pulling(c); c.APIKey = key })
		m.missing.patience = time.Minute
		return m
	}
	wrong, right := model("wrong"), model("right")
	refused, answered := make(chan error, 1), make(chan error, 1)
	go func() { _, _, err := talk(t.Context(), wrong, ask("Hi")); refused <- err }()
	<-began
	go func() { _, _, err := talk(t.Context(), right, ask("Hi")); answered <- err }()
	shares := func() bool {
		pulls.mu.Lock()
		defer pulls.mu.Unlock()
		for _, p := range pulls.running {
			if p.users[wrong] && p.users[right] {
				return true
			}
		}
		return false
	}
	for len(answered) == 0 && !shares() {
		time.Sleep(time.Millisecond)
	}
	close(more)
	if err := <-answered; err != nil {
		t.Errorf("the instance with the right key: %v", err)
	}
	if err := <-refused; !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("the instance with the wrong key: %v", err)
	}
}
