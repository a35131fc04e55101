package ollama

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// server is an Ollama server whose responses a test writes. It refuses requests that a real Ollama server
// would not understand.
type server struct {
	*httptest.Server
	t *testing.T

	chat  func(line *lines, req *api.ChatRequest)
	embed func(w http.ResponseWriter, req *api.EmbedRequest)
	show  func(w http.ResponseWriter, req *api.ShowRequest) // nil refuses the route, as servers that lack it
	pull  func(line *lines, req *api.PullRequest)           // nil as for show
	tags  []string                                          // the models that the server lists; nil as for show

	mu      sync.Mutex
	headers http.Header // headers of the newest request
	host    string
	chats   []*api.ChatRequest
	ended   chan struct{} // receives a value when the context of a request ends while its handler runs
	closed  chan struct{} // receives a value when a connection is closed
	conns   map[string]bool
}

func newServer(t *testing.T) *server {
	s := &server{t: t, ended: make(chan struct{}, 16), closed: make(chan struct{}, 1), conns: map[string]bool{}}
	s.show = func(w http.ResponseWriter, _ *api.ShowRequest) { answer(w, api.ShowResponse{Modelfile: "FROM m"}) }
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/chat", func(w http.ResponseWriter, r *http.Request) {
		var req api.ChatRequest
		if !s.accept(w, r, "application/x-ndjson", &req) {
			return
		}
		s.mu.Lock()
		s.chats = append(s.chats, &req)
		s.mu.Unlock()
		s.chat(&lines{ResponseWriter: w, server: s, ctx: r.Context(), model: req.Model}, &req)
	})
	mux.HandleFunc("POST /api/embed", func(w http.ResponseWriter, r *http.Request) {
		var req api.EmbedRequest
		if s.accept(w, r, "application/json", &req) {
			s.embed(w, &req)
		}
	})
	mux.HandleFunc("POST /api/show", func(w http.ResponseWriter, r *http.Request) {
		if s.show == nil {
			http.NotFound(w, r)
			return
		}
		var req api.ShowRequest
		if s.accept(w, r, "application/json", &req) {
			s.show(w, &req)
		}
	})
	mux.HandleFunc("POST /api/pull", func(w http.ResponseWriter, r *http.Request) {
		var req api.PullRequest
		if s.pull == nil {
			http.NotFound(w, r)
		} else if s.accept(w, r, "application/x-ndjson", &req) {
			s.pull(&lines{ResponseWriter: w, server: s, ctx: r.Context(), model: req.Model}, &req)
		}
	})
	mux.HandleFunc("GET /api/tags", func(w http.ResponseWriter, r *http.Request) {
		if s.tags == nil {
			http.NotFound(w, r)
			return
		}
		var list api.ListResponse
		for _, name := range s.tags {
			list.Models = append(list.Models, api.ListModelResponse{Name: name})
		}
		answer(w, list)
	})
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			select {
			case s.closed <- struct{}{}:
			default:
			}
		}
	}
	s.Start()
	t.Cleanup(s.Server.Close)
	return s
}

func (s *server) accept(w http.ResponseWriter, r *http.Request, accept string, into any) bool {
	s.mu.Lock()
	s.headers, s.host = r.Header.Clone(), r.Host
	s.conns[r.RemoteAddr] = true
	s.mu.Unlock()
	if got := r.Header.Get("Accept"); got != accept {
		s.t.Errorf("Accept is %q, want %q", got, accept)
	}
	if got := r.Header.Get("Accept-Encoding"); got != "identity" {
		s.t.Errorf("Accept-Encoding is %q", got)
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		s.t.Errorf("a request that Ollama does not know: %v", err)
		refuse(w, http.StatusBadRequest, err.Error())
		return false
	}
	// net/http notices that the client has closed the connection only after the body was read to its end.
	_, _ = d.Token()
	return true
}

// model returns an instance for this server. Cleanup closes the instance before the server.
func (s *server) model(change func(*Config)) *Model {
	s.t.Helper()
	cfg := Config{BaseURL: s.URL, Model: "gemma3:1b"}
	if change != nil {
		change(&cfg)
	}
	return open(s.t, cfg)
}

func open(t *testing.T, cfg Config) *Model {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func (s *server) lastChat() *api.ChatRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chats[len(s.chats)-1]
}

// waitEnded waits until the context of a request has ended while its handler ran.
func (s *server) waitEnded() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		s.t.Error("the server never saw the request's context end")
	}
}

// lines writes the lines of a streamed response and flushes each line.
type lines struct {
	http.ResponseWriter
	server *server
	ctx    context.Context
	model  string
}

func (l *lines) send(r api.ChatResponse) {
	r.Model, r.CreatedAt = l.model, time.Unix(1700000000, 0).UTC()
	if r.Message.Role == "" {
		r.Message.Role = "assistant"
	}
	b, err := json.Marshal(r)
	if err != nil {
		l.server.t.Error(err)
	}
	l.raw(string(b) + "\n")
}

func (l *lines) raw(s string) {
	if l.Header().Get("Content-Type") == "" {
		l.Header().Set("Content-Type", "application/x-ndjson")
	}
	_, _ = l.Write([]byte(s))
	l.ResponseWriter.(http.Flusher).Flush()
}

func (l *lines) text(pieces ...string) {
	for _, p := range pieces {
		l.send(api.ChatResponse{Message: api.Message{Content: p}})
	}
}

func (l *lines) done(reason string) {
	l.send(api.ChatResponse{Done: true, DoneReason: reason,
		Metrics: api.Metrics{TotalDuration: time.Second, PromptEvalCount: 26, EvalCount: 3}})
}

// hang waits until the client has canceled the request.
func (l *lines) hang() {
	<-l.ctx.Done()
	l.server.ended <- struct{}{}
}

// cut closes the connection without completing the response.
func (l *lines) cut() { panic(http.ErrAbortHandler) }

// refuse sends the response with which Ollama refuses a request.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": message})
}

func ask(text string) *llm.Request {
	return &llm.Request{Messages: []chat.Message{chat.Text(chat.User, text)}}
}

// talk calls Chat and returns the deltas that Chat has emitted.
func talk(ctx context.Context, m *Model, req *llm.Request) ([]llm.Delta, *llm.Finish, error) {
	var got []llm.Delta
	finish, err := m.Chat(ctx, req, func(d llm.Delta) error { got = append(got, d); return nil })
	return got, finish, err
}

func texts(deltas []llm.Delta) string {
	var s string
	for _, d := range deltas {
		s += d.PieceText() + "|"
	}
	return s
}
