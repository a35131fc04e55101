package ollama

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/ollama/ollama/api"
)

func TestModel_Chat_streams(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("Hel", "lo", "!"); l.done("stop") }
	got, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
	if err != nil {
		t.Fatal(err)
	}
	if texts(got) != "Hel|lo|!|" {
		t.Errorf("got %q", texts(got))
	}
	want := &llm.Finish{Reason: llm.FinishStop, Model: "gemma3:1b", Usage: chat.Usage{InputTokens: 26, OutputTokens: 3}}
	if !reflect.DeepEqual(finish, want) {
		t.Errorf("finish %+v, want %+v", finish, want)
	}
}

func TestModel_Chat_relaysEachTokenAtOnce(t *testing.T) {
	s := newServer(t)
	more := make(chan struct{}, 1)
	s.chat = func(l *lines, _ *api.ChatRequest) {
		for range 3 {
			<-more
			l.text("x")
		}
		l.done("stop")
	}
	more <- struct{}{}
	pieces := 0
	_, err := s.model(nil).Chat(t.Context(), ask("Hi"), func(llm.Delta) error {
		if pieces++; pieces < 3 {
			more <- struct{}{} // the server makes the next piece only after this piece has arrived
		}
		return nil
	})
	if err != nil || pieces != 3 {
		t.Errorf("%d pieces, %v", pieces, err)
	}
}

func TestModel_Chat_thinking(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, req *api.ChatRequest) {
		if req.Think == nil || req.Think.Value != true {
			t.Errorf("think is %+v", req.Think)
		}
		l.send(api.ChatResponse{Message: api.Message{Thinking: "let me "}})
		l.send(api.ChatResponse{Message: api.Message{Thinking: "see"}})
		l.text("42")
		l.done("stop")
	}
	got, _, err := talk(t.Context(), s.model(func(c *Config) { c.Think = true }), ask("?"))
	if want := []llm.Delta{
		{Part: llm.Reasoning("let me ").Part, Usage: spent(1)}, {Part: llm.Reasoning("see").Part, Usage: spent(2)}, {Part: llm.Text("42").Part, Usage: spent(3)},
	}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestModel_Chat_toolCalls(t *testing.T) {
	arguments := api.NewToolCallFunctionArguments()
	arguments.Set("city", "Lisbon")
	arguments.Set("days", 2)
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) {
		l.send(api.ChatResponse{Message: api.Message{ToolCalls: []api.ToolCall{
			{ID: "call_1", Function: api.ToolCallFunction{Name: "weather", Arguments: arguments}},
			{Function: api.ToolCallFunction{Index: 1, Name: "now"}},
		}}})
		l.done("stop")
	}
	m := s.model(nil)
	req := ask("?")
	got, finish, err := talk(t.Context(), m, req)
	if err != nil || len(got) != 2 || got[0].ToolCall == nil || got[1].ToolCall == nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	if want := (chat.ToolCall{ID: "call_1", Name: "weather", Arguments: `{"city":"Lisbon","days":2}`}); !reflect.DeepEqual(*got[0].ToolCall, want) {
		t.Errorf("got %+v, want %+v", got[0].ToolCall, want)
	}
	if c := got[1].ToolCall; !strings.HasPrefix(c.ID, "call_") || len(c.ID) < 20 || c.Arguments != "{}" {
		t.Errorf("a call without id became %+v", c)
	}
	if finish.Reason != llm.FinishToolCalls {
		t.Errorf("finish %+v", finish)
	}
}

// TestModel_Chat_silence checks that a call to a server that stops sending lasts until the caller's
// deadline. The error comes with the number of tokens until then.
func TestModel_Chat_silence(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("a", "b"); l.hang() }
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	got, finish, err := talk(ctx, s.model(nil), ask("Hi"))
	if !fault.Is(err, fault.Deadline) {
		t.Errorf("got %v", err)
	}
	if texts(got) != "a|b|" || finish == nil || finish.Usage.OutputTokens != 2 || finish.Reason != llm.FinishUnknown {
		t.Errorf("got %q, finish %+v", texts(got), finish)
	}
	s.waitEnded()
}

func TestModel_Chat_callerCancels(t *testing.T) {
	for name, before := range map[string]int{"before the first token": 0, "between tokens": 2} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			reached := make(chan struct{})
			s.chat = func(l *lines, _ *api.ChatRequest) {
				for range before {
					l.text("x")
				}
				close(reached)
				l.hang()
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			canceled := make(chan time.Time, 1)
			go func() {
				<-reached
				time.Sleep(50 * time.Millisecond)
				canceled <- time.Now()
				cancel(errors.New("the host's own reason"))
			}()
			_, finish, err := talk(ctx, s.model(nil), ask("Hi"))
			if !fault.Is(err, fault.Canceled) {
				t.Errorf("got %v", err)
			}
			s.waitEnded()
			if late := time.Since(<-canceled); late > 10*time.Second {
				t.Errorf("it took %v", late)
			}
			if before > 0 && (finish == nil || finish.Usage.OutputTokens != int64(before)) {
				t.Errorf("finish %+v", finish)
			}
		})
	}
}

func TestModel_Chat_callersDeadline(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.hang() }
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, _, err := talk(ctx, s.model(nil), ask("Hi")); !fault.Is(err, fault.Deadline) {
		t.Errorf("got %v", err)
	}
	s.waitEnded()
}

func TestModel_Chat_emitError(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("a", "b"); l.hang() }
	gone := errors.New("gone")
	finish, err := s.model(nil).Chat(t.Context(), ask("Hi"), func(llm.Delta) error { return gone })
	if !errors.Is(err, gone) || finish == nil || finish.Usage.OutputTokens != 1 {
		t.Errorf("got %v, %+v", err, finish)
	}
	s.waitEnded()
}

// TestModel_Chat_endsWithDone checks that a reply succeeds once its last line, with "done", has arrived,
// whatever the server sends afterwards.
func TestModel_Chat_endsWithDone(t *testing.T) {
	for name, after := range map[string]func(*lines){
		"a cut":   func(l *lines) { l.cut() },
		"an echo": func(l *lines) { l.text("more") },
		"an error": func(l *lines) {
			l.raw(`{"error":"late"}` + "\n")
		},
		"silence": func(l *lines) { l.hang() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			s.chat = func(l *lines, _ *api.ChatRequest) { l.text("a"); l.done("stop"); after(l) }
			start := time.Now()
			got, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
			if err != nil || texts(got) != "a|" || finish.Usage.OutputTokens != 3 {
				t.Errorf("got %q, %+v, %v", texts(got), finish, err)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestModel_Chat_uncountedReply checks that the plugin counts the pieces of a reply as its tokens if the
// server sends no token count.
func TestModel_Chat_uncountedReply(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) {
		l.text("a")
		l.text("b")
		l.raw(`{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}` + "\n")
	}
	got, finish, err := talk(t.Context(), s.model(nil), ask("Hi"))
	if err != nil || texts(got) != "a|b|" || !finish.Usage.Equal(spent(2)) {
		t.Errorf("got %q, %+v, %v", texts(got), finish, err)
	}
}

func TestModel_Chat_reusesConnection(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.text("a"); l.done("stop") }
	m := s.model(nil)
	for range 5 {
		if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.conns) != 1 {
		t.Errorf("%d connections for five calls one after another", len(s.conns))
	}
}

func TestModel_Chat_emptyReply(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	m := s.model(nil)
	req := ask("Hi")
	got, finish, err := talk(t.Context(), m, req)
	if err != nil || len(got) != 0 || finish.Reason != llm.FinishStop {
		t.Errorf("got %+v, %+v, %v", got, finish, err)
	}
}

func TestModel_Chat_sendsKey(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	for key, want := range map[string]string{"": "", "s3cret\n": "Bearer s3cret"} {
		if _, _, err := talk(t.Context(), s.model(func(c *Config) { c.APIKey = key }), ask("Hi")); err != nil {
			t.Fatal(err)
		}
		if got := s.headers.Get("Authorization"); got != want {
			t.Errorf("Authorization is %q, want %q", got, want)
		}
		if "http://"+s.host != s.URL {
			t.Errorf("Host is %q", s.host)
		}
	}
}

func TestModel_Chat_keepsBasePath(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	outer := httptest.NewServer(http.StripPrefix("/ai/ollama", s.Config.Handler))
	t.Cleanup(outer.Close)
	for _, path := range []string{"/ai/ollama", "/ai/ollama/"} {
		if _, _, err := talk(t.Context(), s.model(func(c *Config) { c.BaseURL = outer.URL + path }), ask("Hi")); err != nil {
			t.Error(err)
		}
	}
}

func TestModel_Close(t *testing.T) {
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	m := s.model(nil)
	if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-s.closed:
	case <-time.After(30 * time.Second):
		t.Error("Close left the connection open")
	}
}

// TestModel_Chat_hostedServer checks a call to ollama.com. Without precautions, api.Client would sign the
// request with the key in the user's home folder, and would fail if there is no key.
func TestModel_Chat_hostedServer(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	s := newServer(t)
	s.chat = func(l *lines, _ *api.ChatRequest) { l.done("stop") }
	m := s.model(func(c *Config) { c.BaseURL, c.APIKey = "http://ollama.com", "s3cret" })
	m.transport.base.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	if _, _, err := talk(t.Context(), m, ask("Hi")); err != nil {
		t.Fatal(err)
	}
	if s.host != "ollama.com" || s.headers.Get("Authorization") != "Bearer s3cret" {
		t.Errorf("host %q, headers %v", s.host, s.headers)
	}
}

// spent returns the usage that a delta has after the given number of pieces.
func spent(pieces int64) chat.Usage { return chat.Usage{OutputTokens: pieces} }
