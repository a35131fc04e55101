package ollama

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

// statusWriter records the HTTP status that the function answer sets.
type statusWriter struct {
	http.ResponseWriter
	status *int
}

func (w *statusWriter) WriteHeader(status int) {
	*w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

func TestModel_failure_brokenStreams(t *testing.T) {
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
			req := ask("Hi")
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
			if texts(got) != "a|b|" {
				t.Errorf("got %q", texts(got))
			}
		})
	}
}

func TestModel_unreachable(t *testing.T) {
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
	for name, c := range map[string]struct{ url, want string }{
		"nothing listens":     {closed.URL, "nothing listens at " + strings.TrimPrefix(closed.URL, "http://") + "; is Ollama running?"},
		"connections close":   {"http://" + silent.Addr().String(), "no answer from " + silent.Addr().String()},
		"no such host exists": {"http://no.such.host.invalid:1", "no answer from no.such.host.invalid:1; is Ollama running there?"},
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t, Config{BaseURL: c.url, Model: "m"})
			_, _, err := talk(t.Context(), m, ask("Hi"))
			f := fault.Of(err)
			if f == nil || f.Class != fault.ProviderFailed || !f.Retryable || !strings.Contains(f.Message, c.want) || strings.Contains(f.Message, "ollama.invalid") {
				t.Error(err)
			}
			_, embedErr := m.Embed(t.Context(), &llm.EmbedRequest{Texts: []string{"x"}})
			if !fault.Is(embedErr, fault.ProviderFailed) {
				t.Errorf("embedding: %v", embedErr)
			}
		})
	}
}
