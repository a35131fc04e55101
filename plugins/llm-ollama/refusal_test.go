package ollama

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/ollama/ollama/api"
)

func TestModel_refused(t *testing.T) {
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
		want   fault.Error // expected error; Message is a part of the actual message
	}{
		"missing model": {json(404, "model 'gemma3:1b' not found"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"model"}, Message: "ollama pull gemma3:1b"}},
		"not an Ollama": {plain(404, "404 page not found"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"a missing model in words of its own": {json(404, `model "gemma3:1b" not found, try pulling it first`),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"model"}, Message: "ollama pull gemma3:1b"}},
		"another API's 404": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(404)
			l.raw(`{"error":{"message":"Invalid URL (POST /v1/api/chat)","type":"invalid_request_error"}}`)
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"a framework's 404": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(404)
			l.raw(`{"detail":"Not Found"}`)
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"a 404 that names a route": {json(404, "Not Found"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"another method": {plain(405, "405 method not allowed"),
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"a page": {func(l *lines) {
			l.Header().Set("Content-Type", "text/html")
			l.WriteHeader(200)
			l.raw("<html>welcome</html>")
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"JSON of something else": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(200)
			l.raw(`{"status":"ok"}`)
		}, fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
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
			fault.Error{Class: fault.NotFound, Party: fault.PartyTenant, Path: fault.Path{"base_url"}, Message: "no Ollama API"}},
		"no thinking": {json(400, `"gemma3:1b" does not support thinking`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: fault.Path{"think"}, Message: "does not support thinking"}},
		"no such thinking": {json(400, `think value "max" is not supported for this model`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: fault.Path{"think"}, Message: "not supported"}},
		"no chat": {json(400, `"gemma3:1b" does not support chat`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: fault.Path{"model"}, Message: "does not support chat"}},
		"no vision": {json(400, "gemma3:1b does not support vision"),
			fault.Error{Class: fault.Invalid, Party: fault.PartyCaller, Message: "does not support vision"}},
		"an image": {json(500, "Failed to create new sequence: failed to process inputs: image: unknown format"),
			fault.Error{Class: fault.Invalid, Party: fault.PartyCaller, Message: "cannot read an image"}},
		"an image of the other engine": {json(500, "failed to process inputs: unable to tokenize mtmd embedding from image"),
			fault.Error{Class: fault.Invalid, Party: fault.PartyCaller, Message: "cannot read an image"}},
		"an option": {json(400, `option "num_ctx" must be of type integer`),
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: fault.Path{"options"}, Message: "num_ctx"}},
		"a proxy's limit": {plain(413, "<html>Request Entity Too Large"),
			fault.Error{Class: fault.ContextTooLong, Party: fault.PartyCaller, Message: "as large as this"}},
		"a proxy's refusal": {plain(403, "denied"),
			fault.Error{Class: fault.Forbidden, Party: fault.PartyTenant, Path: fault.Path{"api_key"}, Message: "denied"}},
		"no key": {json(401, "unauthorized"),
			fault.Error{Class: fault.Unauthenticated, Party: fault.PartyTenant, Path: fault.Path{"api_key"}, Message: "asks for an api_key"}},
		"not signed in": {func(l *lines) {
			l.Header().Set("Content-Type", "application/json")
			l.WriteHeader(401)
			l.raw(`{"error":"unauthorized","signin_url":"https://ollama.com/connect?key=abc"}` + "\n")
		}, fault.Error{Class: fault.Unauthenticated, Party: fault.PartyTenant, Path: fault.Path{"model"}, Message: "ollama signin"}},
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
			fault.Error{Class: fault.Invalid, Party: fault.PartyTenant, Path: fault.Path{"model"}, Message: "does not support tools"}},
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
			if f.Class != c.want.Class || f.Party != c.want.Party || !slices.Equal(f.Path, c.want.Path) || f.Retryable != c.want.Retryable || f.RetryAfter != c.want.RetryAfter {
				t.Errorf("got %+v", f)
			}
			if !strings.Contains(f.Message, c.want.Message) || strings.Contains(f.Message, "ollama.invalid") || strings.Contains(f.Message, "key=abc") {
				t.Errorf("message %q", f.Message)
			}
			if status == http.StatusOK && f.Class == fault.ProviderFailed {
				status = 0 // an error in the body has no upstream status
			}
			if f.UpstreamStatus != status {
				t.Errorf("upstream status %d, want %d", f.UpstreamStatus, status)
			}
		})
	}
}

// secretKey is an API key that servers repeat in the tests.
const secretKey = "sk-0123456789abcdef"

// TestModel_said checks that no error repeats the API key that the server says, wherever it says it, and
// that the key goes before the text is cut: the key is at its end.
func TestModel_said(t *testing.T) {
	said := strings.Repeat("e", maxReason-8) + " " + secretKey // so that cutting first would leave a piece of the key
	short := "the key " + secretKey + " is odd"
	raw := func(text string) func(*testing.T) string {
		return func(t *testing.T) string {
			return newHostile(t, func(o *out) { o.say(strings.ReplaceAll(text, "KEY", secretKey)) }).url
		}
	}
	of := func(change func(*server)) func(*testing.T) string {
		return func(t *testing.T) string {
			s := newServer(t)
			change(s)
			return s.URL
		}
	}
	fails := func(status int, text string) func(*testing.T) string {
		return of(func(s *server) { s.chat = func(l *lines, _ *api.ChatRequest) { refuse(l, status, text) } })
	}
	line := func(text string) func(*testing.T) string {
		return of(func(s *server) { s.chat = func(l *lines, _ *api.ChatRequest) { l.raw(text + "\n") } })
	}
	pulls := func(pull func(*lines)) func(*testing.T) string {
		return of(func(s *server) {
			s.chat = func(l *lines, r *api.ChatRequest) { refuse(l, 404, "model '"+r.Model+"' not found") }
			s.pull = func(l *lines, _ *api.PullRequest) { pull(l) }
		})
	}
	for name, url := range map[string]func(*testing.T) string{
		"refused":            fails(400, short),
		"refused at length":  fails(400, said),
		"forbidden":          fails(403, short),
		"no money":           fails(402, short),
		"failed":             fails(500, short),
		"busy":               fails(503, "server busy: "+short),
		"a context too long": fails(400, "prompt is too long: "+short),
		"a bad image":        fails(500, "image: unknown format "+short),
		"a page":             line("<html>" + short),
		"an error as a line": line(`{"error":"` + short + `"}`),
		"busy as a line":     line(`{"error":"server busy: ` + short + `"}`),
		"another encoding": of(func(s *server) {
			s.chat = func(l *lines, _ *api.ChatRequest) { l.Header().Set("Content-Encoding", secretKey); l.raw("{}") }
		}),
		"a wrong status":         raw("HTTP/1.1 KEY\r\n\r\n"),
		"a wrong header":         raw("HTTP/1.1 200 OK\r\nKEY\r\n\r\n"),
		"a wrong transfer":       raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: KEY\r\n\r\n"),
		"a wrong chunk":          raw("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\nKEY\r\n"),
		"no model to pull":       pulls(func(l *lines) { l.raw(`{"error":"pull model manifest: file does not exist ` + short + `"}` + "\n") }),
		"a pull that fails":      pulls(func(l *lines) { l.raw(`{"error":"` + short + `"}` + "\n") }),
		"a pull that is refused": pulls(func(l *lines) { refuse(l, 403, short) }),
		"a pull that is no JSON": pulls(func(l *lines) { l.raw("<html>" + short + "\n") }),
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, Config{BaseURL: url(t), Model: "m", APIKey: secretKey, Pull: true})
			_, _, err := talk(t.Context(), m, ask("Hi"))
			if err == nil {
				t.Fatal("no error")
			}
			for i := 0; i+5 <= len(secretKey); i++ {
				if strings.Contains(err.Error(), secretKey[i:i+5]) {
					t.Fatalf("the error repeats the key: %v", err)
				}
			}
		})
	}
	s := newServer(t)
	s.show = func(w http.ResponseWriter, r *api.ShowRequest) { refuse(w, 404, "model '"+r.Model+"' not found") }
	s.tags = []string{secretKey, "other"}
	if err := s.model(func(c *Config) { c.APIKey = secretKey }).Check(t.Context()); err == nil || strings.Contains(err.Error(), secretKey) || !strings.Contains(err.Error(), "[secret], other") {
		t.Errorf("check: %v", err)
	}
}

// TestModel_refused_keyIsAWord checks that a key that is a word of the server's message does not change
// what the message means.
func TestModel_refused_keyIsAWord(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, r *api.ChatRequest) { refuse(l, 404, "model '"+r.Model+"' not found") }
	_, _, err := talk(t.Context(), s.model(func(c *Config) { c.APIKey = "gemma3" }), ask("Hi"))
	if f := fault.Of(err); !fault.Is(err, fault.NotFound) || f.Path.String() != "model" {
		t.Errorf("%+v", f)
	}
}

func TestModel_unauthorized(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { refuse(l, 401, "bad key s3cret") }
	_, _, err := talk(t.Context(), s.model(func(c *Config) { c.APIKey = "s3cret" }), ask("Hi"))
	if !fault.Is(err, fault.Unauthenticated) || !strings.Contains(err.Error(), "does not accept") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}
