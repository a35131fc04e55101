package openaillm

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

const testKey = "sk-proj-Secret0fTheTest"

// server is a server with an API like OpenAI's, whose responses a test writes. It refuses requests with
// fields that the API does not have.
type server struct {
	*httptest.Server
	t *testing.T

	chat      func(s *stream, req *chatRequest)
	responses func(s *stream, req *responsesRequest)
	embed     func(w http.ResponseWriter, req *embedRequest)
	models    func(w http.ResponseWriter, r *http.Request)

	mu     sync.Mutex
	last   json.RawMessage // body of the newest request
	path   string
	header http.Header
	conns  map[string]bool
	ended  chan struct{} // receives a value when the context of a request ends while its handler runs
}

func newServer(t *testing.T) *server {
	s := &server{t: t, ended: make(chan struct{}, 16), conns: map[string]bool{}}
	mux := http.NewServeMux()
	for _, prefix := range []string{"/v1/", "/openai/deployments/m/"} {
		mux.HandleFunc("POST "+prefix+"chat/completions", func(w http.ResponseWriter, r *http.Request) {
			var req chatRequest
			if s.accept(w, r, eventStream, &req) {
				s.chat(&stream{ResponseWriter: w, server: s, ctx: r.Context()}, &req)
			}
		})
		mux.HandleFunc("POST "+prefix+"responses", func(w http.ResponseWriter, r *http.Request) {
			var req responsesRequest
			if s.accept(w, r, eventStream, &req) {
				s.responses(&stream{ResponseWriter: w, server: s, ctx: r.Context()}, &req)
			}
		})
		mux.HandleFunc("POST "+prefix+"embeddings", func(w http.ResponseWriter, r *http.Request) {
			var req embedRequest
			if s.accept(w, r, jsonType, &req) {
				s.embed(w, &req)
			}
		})
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.path, s.header = r.URL.String(), r.Header.Clone()
		s.mu.Unlock()
		if s.models == nil {
			http.NotFound(w, r)
			return
		}
		s.models(w, r)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Server.Close)
	return s
}

func (s *server) accept(w http.ResponseWriter, r *http.Request, accept string, into any) bool {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	s.header, s.path, s.last = r.Header.Clone(), r.URL.String(), body
	s.conns[r.RemoteAddr] = true
	s.mu.Unlock()
	if got := r.Header.Get("Accept"); got != accept {
		s.t.Errorf("Accept is %q, want %q", got, accept)
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Stainless") {
			s.t.Errorf("the request has the header %s", name)
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err == nil {
		err = d.Decode(into)
	}
	if err != nil {
		s.t.Errorf("a request that the API does not know: %v\n%s", err, body)
		refuse(w, http.StatusBadRequest, map[string]any{"message": err.Error()})
		return false
	}
	return true
}

// model returns an instance for this server. Cleanup closes the instance before the server.
func (s *server) model(change func(*Config)) *Model {
	s.t.Helper()
	cfg := Config{BaseURL: s.URL + "/v1", Model: "m", APIKey: testKey}
	if change != nil {
		change(&cfg)
	}
	return open(s.t, cfg)
}

// byResponses makes an instance speak the Responses API.
func byResponses(c *Config) { c.API = apiResponses }

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

// body returns the body of the newest request.
func (s *server) body() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.last)
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

// stream writes the events of a response and flushes each event.
type stream struct {
	http.ResponseWriter
	server *server
	ctx    context.Context
}

// events writes each text as the data of an event. A text with "event:" comes as it is.
func (s *stream) events(all ...string) {
	for _, data := range all {
		if !strings.HasPrefix(data, "event:") && !strings.HasPrefix(data, ":") {
			data = "data: " + data
		}
		s.raw(data + "\n\n")
	}
}

func (s *stream) raw(text string) {
	if s.Header().Get("Content-Type") == "" {
		s.Header().Set("Content-Type", eventStream)
	}
	_, _ = s.Write([]byte(text))
	s.ResponseWriter.(http.Flusher).Flush()
}

// text writes a chat completion with a text.
func (s *stream) text(pieces ...string) {
	for _, p := range pieces {
		text, _ := json.Marshal(p)
		s.events(`{"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,"delta":{"content":` + string(text) + `},"finish_reason":null}]}`)
	}
	s.events(`{"id":"c","model":"m-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
		`{"id":"c","model":"m-1","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}`, `[DONE]`)
}

// hang waits until the client has canceled the request.
func (s *stream) hang() {
	<-s.ctx.Done()
	s.server.ended <- struct{}{}
}

// refuse sends an error as OpenAI does.
func refuse(w http.ResponseWriter, status int, failure map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": failure})
}

func ask(text string) *llm.Request {
	return &llm.Request{Messages: []chat.Message{chat.Text(chat.User, text)}}
}

// talk calls Chat and returns the parts of the reply.
func talk(ctx context.Context, m *Model, req *llm.Request) ([]chat.Part, *llm.Finish, error) {
	var reply llm.Joiner
	finish, err := m.Chat(ctx, req, func(d llm.Delta) error { reply.Add(&d); return nil })
	return reply.Parts(), finish, err
}
