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

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// registry is a server that has a model only after it has pulled it.
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

// succeed ends a pull with success. The server then has the model.
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

// TestModel_Chat_pullsNotByItself checks that the plugin asks for a pull only if the operator allows
// it.
func TestModel_Chat_pullsNotByItself(t *testing.T) {
	r := newRegistry(t)
	_, _, err := talk(t.Context(), r.model(nil), ask("Hi"))
	if !fault.Is(err, fault.NotFound) || r.pulled.Load() != 0 {
		t.Errorf("%v, %d pulls", err, r.pulled.Load())
	}
}

// TestModel_Check_pullsNot checks that Check pulls no model, and says that the first call does.
func TestModel_Check_pullsNot(t *testing.T) {
	r := newRegistry(t)
	err := r.model(pulling).Check(t.Context())
	if !fault.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "the first call pulls it") || r.pulled.Load() != 0 {
		t.Errorf("%v, %d pulls", err, r.pulled.Load())
	}
}

// TestPullSet_once checks that calls of several instances wait for one pull. A call that has waited
// long enough fails with fault.RateLimited, and the pull goes on without it.
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

// TestPullSet_leave checks that a pull is canceled when the last instance that wants it is closed, and
// not before.
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

// TestModel_fetch_failures checks the errors of pulls, and that an instance does not start another pull
// at once after a failure.
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
