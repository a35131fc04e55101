package ollama

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// registry is a server whose models are there only after they are pulled.
type registry struct {
	*server
	pulled atomic.Int64 // how often a pull was asked for
	has    atomic.Bool
	pull   func(l *lines) // what a pull says; nil succeeds
}

func newRegistry(t *testing.T) *registry {
	r := &registry{server: newServer(t)}
	missing := func(w http.ResponseWriter, model string) bool {
		if r.has.Load() {
			return false
		}
		refuse(w, http.StatusNotFound, fmt.Sprintf("model '%s' not found", model))
		return true
	}
	r.chat = func(l *lines, req *api.ChatRequest) {
		if !missing(l, req.Model) {
			l.text("hello")
			l.done("stop")
		}
	}
	r.embed = func(w http.ResponseWriter, req *api.EmbedRequest) {
		if !missing(w, req.Model) {
			answer(w, api.EmbedResponse{Model: req.Model, Embeddings: [][]float32{{1}}})
		}
	}
	r.show = func(w http.ResponseWriter, req *api.ShowRequest) {
		if !missing(w, req.Model) {
			answer(w, api.ShowResponse{})
		}
	}
	r.server.pull = func(l *lines, req *api.PullRequest) {
		r.pulled.Add(1)
		if r.pull != nil {
			r.pull(l)
			return
		}
		r.succeed(l)
	}
	return r
}

// succeed ends a pull, after which the model is there.
func (r *registry) succeed(l *lines) {
	l.raw(`{"status":"pulling manifest"}` + "\n" + `{"status":"pulling 1","digest":"sha256:1","total":9,"completed":3,"newer":true}` + "\n")
	r.has.Store(true)
	l.raw(`{"status":"success"}` + "\n")
}

func pulling(c *Config) { c.Pull = true }

func TestModel_Chat_pulls(t *testing.T) {
	r := newRegistry(t)
	m := r.model(func(c *Config) { pulling(c); c.APIKey = "k" })
	for range 2 {
		got, finish, err := talk(t.Context(), m, ask("Hi"))
		if err != nil || texts(got) != "hello|" || finish.Reason != llm.FinishStop {
			t.Fatalf("got %q, %v", texts(got), err)
		}
	}
	if got := r.pulled.Load(); got != 1 {
		t.Errorf("the server was asked for %d pulls", got)
	}
}

func TestModel_Embed_pulls(t *testing.T) {
	r := newRegistry(t)
	m := r.model(func(c *Config) { pulling(c); c.EmbeddingModel = "minilm" })
	if out, err := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"a"}}); err != nil || len(out.Vectors) != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
}

// TestModel_Chat_pullsNotByItself checks that a plugin asks for no pull unless the operator allows it.
func TestModel_Chat_pullsNotByItself(t *testing.T) {
	r := newRegistry(t)
	_, _, err := talk(t.Context(), r.model(nil), ask("Hi"))
	if !fault.Is(err, fault.NotFound) || r.pulled.Load() != 0 {
		t.Errorf("%v, %d pulls", err, r.pulled.Load())
	}
}

// TestModel_Check_pullsNot checks that Check pulls nothing, and says what the first call does.
func TestModel_Check_pullsNot(t *testing.T) {
	r := newRegistry(t)
	err := r.model(pulling).Check(t.Context())
	if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "the first call pulls it") || r.pulled.Load() != 0 {
		t.Errorf("%v, %d pulls", err, r.pulled.Load())
	}
}

// TestPullSet_once checks that calls of several instances wait for one pull, that a call that has waited
// long enough says so without the progress, and that the pull goes on without it.
func TestPullSet_once(t *testing.T) {
	r := newRegistry(t)
	more := make(chan struct{})
	r.pull = func(l *lines) {
		l.raw(`{"status":"pulling 1","digest":"sha256:1","total":9,"completed":3}` + "\n")
		<-more
		r.succeed(l)
	}
	var waiting []*Model
	for range 3 {
		waiting = append(waiting, r.model(pulling))
	}
	hasty := r.model(func(c *Config) { pulling(c); c.BaseURL = strings.Replace(c.BaseURL, "127.0.0.1", "localhost", 1) + "/" })
	hasty.missing.patience = time.Millisecond
	_, _, err := talk(t.Context(), hasty, ask("Hi"))
	if f := fault.Of(err); !fault.Is(err, fault.RateLimited) || f.RetryAfter != pullRetry || !f.Retryable || strings.Contains(f.Message, "sha256") || strings.Contains(f.Message, "%") {
		t.Errorf("got %v", err)
	}
	if err := hasty.Check(t.Context()); !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "is pulling the model") {
		t.Errorf("check: %v", err)
	}
	var calls sync.WaitGroup
	for _, m := range waiting {
		m.missing.patience = time.Minute
		calls.Go(func() {
			if got, _, err := talk(t.Context(), m, ask("Hi")); err != nil || texts(got) != "hello|" {
				t.Errorf("got %q, %v", texts(got), err)
			}
		})
	}
	joined := func() (n int) {
		pulls.mu.Lock()
		defer pulls.mu.Unlock()
		for _, p := range pulls.running {
			n += len(p.users)
		}
		return n
	}
	for joined() < 4 {
		time.Sleep(time.Millisecond)
	}
	close(more)
	calls.Wait()
	if got := r.pulled.Load(); got != 1 {
		t.Errorf("the server was asked for %d pulls", got)
	}
	if len(pulls.running) != 0 {
		t.Errorf("%d pulls stay", len(pulls.running))
	}
}

// TestPullSet_leave checks that a pull ends when the last instance that wants it is closed, and not before.
func TestPullSet_leave(t *testing.T) {
	r := newRegistry(t)
	r.pull = func(l *lines) { l.raw(`{"status":"pulling manifest"}` + "\n"); l.hang() }
	var models []*Model
	for range 2 {
		m, err := New(Config{BaseURL: r.URL, Model: "m", Pull: true})
		if err != nil {
			t.Fatal(err)
		}
		m.missing.patience = time.Millisecond
		if _, _, err := talk(t.Context(), m, ask("Hi")); !fault.Is(err, fault.RateLimited) {
			t.Errorf("got %v", err)
		}
		models = append(models, m)
	}
	_ = models[0].Close()
	if !pulls.runs(models[1], "m") {
		t.Error("the pull has ended although an instance wants it")
	}
	_ = models[1].Close()
	r.waitEnded()
	if pulls.runs(models[1], "m") || r.pulled.Load() != 1 {
		t.Errorf("the pull goes on, or was begun %d times", r.pulled.Load())
	}
}

// TestModel_fetch_failures checks the errors of pulls, and that an instance does not ask again at once.
func TestModel_fetch_failures(t *testing.T) {
	line := func(text string) func(*lines) { return func(l *lines) { l.raw(text + "\n") } }
	for name, c := range map[string]struct {
		pull  func(*lines)
		class fault.Class
		path  string
		want  string
	}{
		"no such model":          {line(`{"error":"pull model manifest: file does not exist"}`), fault.NotFound, "model", "finds no model gemma3:1b to pull"},
		"no such model, at once": {func(l *lines) { refuse(l, 500, "pull model manifest: file does not exist") }, fault.NotFound, "model", "file does not exist"},
		"no space":               {line(`{"error":"write /x: no space left on device"}`), fault.ProviderFailed, "", "no space left"},
		"it just ends":           {line(`{"status":"pulling manifest"}`), fault.ProviderFailed, "", "ended the reply before it was complete"},
		"it breaks":              {func(l *lines) { l.raw("{"); l.cut() }, fault.ProviderFailed, "", "broke in the middle"},
		"no JSON":                {line(`<html>`), fault.ProviderFailed, "", "<html>"},
		"not allowed":            {func(l *lines) { refuse(l, 403, "no pulls here") }, fault.Forbidden, "", "no pulls here"},
		"without end":            {func(l *lines) { l.hang() }, fault.ProviderFailed, "", "within 1s; raise pull_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			r.pull = c.pull
			m := r.model(func(cfg *Config) { pulling(cfg); cfg.PullTimeout = time.Second })
			m.missing.patience = time.Minute
			for range 2 {
				_, _, err := talk(t.Context(), m, ask("Hi"))
				if f := fault.Of(err); err == nil || f.Class != c.class || f.Path.String() != c.path || !strings.Contains(f.Message, c.want) {
					t.Errorf("got %v", err)
				}
			}
			if got := r.pulled.Load(); got != 1 {
				t.Errorf("the server was asked for %d pulls", got)
			}
			m.missing.failed[m.model] = failedPull{again: time.Now()}
			r.pull = nil
			if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
				t.Errorf("later: %v", err)
			}
		})
	}
}

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

// TestModel_fetch_callerGone checks that a call that waits for a pull ends with its caller.
func TestModel_fetch_callerGone(t *testing.T) {
	r := newRegistry(t)
	r.pull = func(l *lines) { l.hang() }
	m := r.model(pulling)
	m.missing.patience = time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := talk(ctx, m, ask("Hi")); !fault.Is(err, fault.Deadline) {
		t.Errorf("got %v", err)
	}
}
