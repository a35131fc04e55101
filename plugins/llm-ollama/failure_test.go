package ollama

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

func TestRefusals(t *testing.T) {
	plain := func(status int, body string) func(*lines) {
		return func(l *lines) { http.Error(l, body, status) }
	}
	json := func(status int, message string) func(*lines) {
		return func(l *lines) { refuse(l, status, message) }
	}
	stream := func(all ...string) func(*lines) {
		return func(l *lines) {
			l.Header().Set("Content-Type", "application/x-ndjson")
			l.WriteHeader(200)
			for _, line := range all {
				l.raw(line + "\n")
			}
		}
	}
	busy := fault.Error{Class: fault.RateLimited, Party: fault.PartyProvider, Retryable: true, RetryAfter: busyRetry}
	for name, c := range map[string]struct {
		answer func(*lines)
		want   fault.Error // Message is a part of it
	}{
		"missing model": {json(404, "model 'gemma3:1b' not found"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "model", Message: "ollama pull gemma3:1b"}},
		"not an Ollama": {plain(404, "404 page not found"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"a missing model in words of its own": {json(404, `model "gemma3:1b" not found, try pulling it first`),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "model", Message: "ollama pull gemma3:1b"}},
		"another API's 404": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(404)
			l.raw(`{"error":{"message":"Invalid URL (POST /v1/api/chat)","type":"invalid_request_error"}}`)
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"a framework's 404": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(404)
			l.raw(`{"detail":"Not Found"}`)
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"a 404 that names a route": {json(404, "Not Found"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"another method": {plain(405, "405 method not allowed"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"a page": {func(l *lines) {
			l.Header().Set("Content-Type", "text/html")
			l.WriteHeader(200)
			l.raw("<html>welcome</html>")
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"JSON of something else": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(200)
			l.raw(`{"status":"ok"}`)
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"a stream that ends at once": {func(l *lines) {
			l.Header().Set("Content-Type", "application/x-ndjson")
			l.WriteHeader(200)
		}, fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "before it was complete"}},
		"an error as the first line": {func(l *lines) {
			l.Header().Set("Content-Type", "application/x-ndjson")
			l.WriteHeader(200)
			l.raw(`{"error":"llama runner process has terminated"}` + "\n")
		}, fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "terminated"}},
		"plain HTTP at a port of TLS": {plain(400, "Client sent an HTTP request to an HTTPS server."),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: "base_url", Message: "no Ollama API"}},
		"no thinking": {json(400, `"gemma3:1b" does not support thinking`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: "think", Message: "does not support thinking"}},
		"no such thinking": {json(400, `think value "max" is not supported for this model`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: "think", Message: "not supported"}},
		"no chat": {json(400, `"gemma3:1b" does not support chat`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: "model", Message: "does not support chat"}},
		"no vision": {json(400, "gemma3:1b does not support vision"),
			fault.Error{Class: fault.Invalid, Party: fault.PartyCaller, Message: "does not support vision"}},
		"an option": {json(400, `option "num_ctx" must be of type integer`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: "options", Message: "num_ctx"}},
		"a proxy's limit": {plain(413, "<html>Request Entity Too Large"),
			fault.Error{Class: fault.ContextTooLong, Party: fault.PartyCaller, Message: "as large as this"}},
		"a proxy's refusal": {plain(403, "denied"),
			fault.Error{Class: fault.Forbidden, Party: fault.PartyTenant, Path: "api_key", Message: "denied"}},
		"no key": {json(401, "unauthorized"),
			fault.Error{Class: fault.Unauthenticated, Party: fault.PartyTenant, Path: "api_key", Message: "asks for an api_key"}},
		"not signed in": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(401)
			l.raw(`{"error":"unauthorized","signin_url":"https://ollama.com/connect?key=abc"}` + "\n")
		}, fault.Error{Class: fault.Unauthenticated, Party: fault.PartyTenant, Path: "model", Message: "ollama signin"}},
		"forbidden": {json(403, "cloud is disabled"),
			fault.Error{Class: fault.Forbidden, Party: fault.PartyTenant, Message: "cloud is disabled"}},
		"quota": {json(402, "upgrade"),
			fault.Error{Class: fault.QuotaExhausted, Party: fault.PartyTenant, Message: "upgrade"}},
		"rate limit": {func(l *lines) { l.Header().Set("Retry-After", "7"); refuse(l, 429, "too many concurrent requests") },
			fault.Error{Class: fault.RateLimited, Party: fault.PartyProvider, Retryable: true, RetryAfter: 7 * time.Second, Message: "too many concurrent"}},
		"rate limit without a body": {func(l *lines) { l.WriteHeader(429) },
			fault.Error{Class: fault.RateLimited, Party: fault.PartyProvider, Retryable: true, RetryAfter: busyRetry, Message: "too many requests"}},
		"context": {json(400, "the input length exceeds the context length"),
			fault.Error{Class: fault.ContextTooLong, Party: fault.PartyCaller, Message: "exceeds the context length"}},
		"no tools": {json(400, `"gemma3:1b" does not support tools`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: "model", Message: "does not support tools"}},
		"busy": {json(503, "server busy, please try again. maximum pending requests exceeded"),
			fault.Error{Class: fault.RateLimited, Party: fault.PartyProvider, Retryable: true, RetryAfter: busyRetry, Message: "server busy"}},
		"busy as plain text":                {plain(503, "server busy, please try again.  maximum pending requests exceeded"), busy},
		"a busy runner":                     {json(500, "unexpected server status: llm busy - no slots available"), busy},
		"busy as the first line":            {stream(`{"error":"server busy, please try again.  maximum pending requests exceeded"}`), busy},
		"busy as a line that is no JSON":    {stream("server busy, please try again.  maximum pending requests exceeded"), busy},
		"busy after a line without a token": {stream(`{"model":"gemma3:1b","message":{"role":"assistant","content":""}}`, `{"error":"too many concurrent requests"}`), busy},
		"busy with a time": {func(l *lines) { l.Header().Set("Retry-After", "9"); plain(503, "server busy")(l) },
			fault.Error{Class: fault.RateLimited, Party: fault.PartyProvider, Retryable: true, RetryAfter: 9 * time.Second, Message: "server busy"}},
		"busy in a proxy's words": {plain(503, "busy"),
			fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "busy"}},
		"no memory": {json(500, "model requires more system memory (8 GiB) than is available (2 GiB)"),
			fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "more system memory"}},
		"a gateway's page": {plain(502, "<html>\n<h1>Bad\nGateway</h1>"),
			fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "<html>"}},
		"an empty 500": {func(l *lines) { l.WriteHeader(500) },
			fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "internal server error"}},
		"given up": {json(499, "request canceled"),
			fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider, Retryable: true, Message: "request canceled"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			status := 0
			s.chat = func(l *lines, _ *api.ChatRequest) {
				w := &statusWriter{ResponseWriter: l.ResponseWriter, status: &status}
				l.ResponseWriter = w
				c.answer(l)
			}
			got, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
			f := fault.Of(err)
			if err == nil || len(got) != 0 || finish != nil {
				t.Fatalf("got %+v, %+v, %v", got, finish, err)
			}
			if f.Class != c.want.Class || f.Party != c.want.Party || f.Path != c.want.Path || f.Retryable != c.want.Retryable || f.RetryAfter != c.want.RetryAfter {
				t.Errorf("got %+v", f)
			}
			if !strings.Contains(f.Message, c.want.Message) || strings.Contains(f.Message, "ollama.invalid") || strings.Contains(f.Message, "key=abc") {
				t.Errorf("message %q", f.Message)
			}
			if status == http.StatusOK && f.Class == fault.ProviderFailed {
				status = 0 // it broke off afterwards
			}
			if f.UpstreamStatus != status {
				t.Errorf("upstream status %d, want %d", f.UpstreamStatus, status)
			}
		})
	}
}

// statusWriter notes what the answer function set.
type statusWriter struct {
	http.ResponseWriter
	status *int
}

func (w *statusWriter) WriteHeader(status int) {
	*w.status = status
	w.ResponseWriter.WriteHeader(status)
}
func (w *statusWriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

func TestKeyIsNotAccepted(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { refuse(l, 401, "bad key s3cret") }
	_, _, err := talk(t.Context(), s.model(func(c *Config) { c.APIKey = "s3cret" }), ask("Hi"))
	if !fault.Is(err, fault.Unauthenticated) || !strings.Contains(err.Error(), "does not accept") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenStreams(t *testing.T) {
	for name, c := range map[string]struct {
		after func(*lines)
		want  string
	}{
		"an error as a line": {func(l *lines) { l.raw(`{"error":"an error was encountered while running the model"}` + "\n") },
			"an error was encountered while running the model"},
		"busy as a line": {func(l *lines) {
			l.raw(`{"error":"server busy, please try again.  maximum pending requests exceeded"}` + "\n")
		},
			"server busy"},
		"it just ends":       {func(*lines) {}, "ended the reply before it was complete"},
		"cut between lines":  {func(l *lines) { l.cut() }, "broke in the middle of the reply"},
		"cut in a line":      {func(l *lines) { l.raw(`{"model":"gemma3:1b","mess`); l.cut() }, "broke in the middle of the reply"},
		"ends in a line":     {func(l *lines) { l.raw(`{"model":"gemma3:1b","mess`) }, "reported"},
		"no JSON":            {func(l *lines) { l.raw("<html>\n") }, "<html>"},
		"JSON of other type": {func(l *lines) { l.raw(`{"message":[]}` + "\n") }, "reported"},
		"an endless line": {func(l *lines) { l.raw(`{"x":"` + strings.Repeat("x", 9<<20) + `"}` + "\n"); l.done("stop") },
			"sends a line of more than"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(l *lines, _ *api.ChatRequest) { l.text("a", "b"); c.after(l) }
			for _, stream := range []bool{true, false} {
				req := ask("Hi")
				req.Stream = stream
				got, finish, err := talk(t.Context(), s.model(nil), req)
				f := fault.Of(err)
				if f == nil || f.Class != fault.ProviderFailed || !f.Retryable || f.Party != fault.PartyProvider {
					t.Fatalf("got %v, %+v", err, f)
				}
				if !strings.Contains(f.Message, c.want) {
					t.Errorf("message %q", f.Message)
				}
				if finish == nil || finish.Usage.OutputTokens != 2 || finish.Model != "gemma3:1b" {
					t.Errorf("finish %+v", finish)
				}
				if stream != (texts(got) == "a|b|") {
					t.Errorf("got %q", texts(got))
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	for url, want := range map[string]string{
		closed.URL:                         "nothing listens at " + strings.TrimPrefix(closed.URL, "http://") + "; is Ollama running?",
		"http://" + silent.Addr().String(): "no answer from " + silent.Addr().String(),
		"http://no.such.host.invalid:1":    "no answer from no.such.host.invalid:1; is Ollama running there?",
	} {
		m := open(t, Config{BaseURL: url, Model: "m"})
		_, _, err := talk(t.Context(), m, ask("Hi"))
		f := fault.Of(err)
		if f == nil || f.Class != fault.ProviderFailed || !f.Retryable || !strings.Contains(f.Message, want) || strings.Contains(f.Message, "ollama.invalid") {
			t.Errorf("%s: %v", url, err)
		}
		_, embedErr := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"x"}})
		if !fault.Is(embedErr, fault.ProviderFailed) {
			t.Errorf("%s: %v", url, embedErr)
		}
	}
}

func TestRedirectIsRefused(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	_, _, err := talk(t.Context(), open(t, Config{BaseURL: s.URL, Model: "m", APIKey: "k"}), ask("Hi"))
	if f := fault.Of(err); f == nil || f.Class != fault.Invalid || f.Path != "base_url" || f.Party != fault.PartyTenant {
		t.Errorf("got %v, %+v", err, f)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "0": 0, "12": 12 * time.Second, "-1": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		if got := parseRetryAfter(s, now); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	}
}
