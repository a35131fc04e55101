package echo

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func open(t testing.TB, cfg Config) *Echo {
	t.Helper()
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func request(texts ...string) *llm.Request {
	r := &llm.Request{}
	for _, s := range texts {
		r.Messages = append(r.Messages, chat.Text(chat.User, s))
	}
	return r
}

// talk calls Chat and returns the texts that Chat has emitted.
func talk(ctx context.Context, e *Echo, req *llm.Request) ([]string, *llm.Finish, error) {
	var got []string
	finish, err := e.Chat(ctx, req, func(d llm.Delta) error { got = append(got, d.Text); return nil })
	return got, finish, err
}

func TestEcho_Chat_finish(t *testing.T) {
	for name, cfg := range map[string]Config{
		"natural": {}, "fixed": {Reply: "  a\tb  c\n"}, "counted": {Tokens: 12}, "white space": {Reply: "   "},
	} {
		t.Run(name, func(t *testing.T) {
			streamed, finish, err := talk(t.Context(), open(t, cfg), request("one two", "three  {{7*7}} "))
			if err != nil {
				t.Fatal(err)
			}
			want := llm.Finish{Reason: llm.FinishStop, Model: "echo",
				Usage: chat.Usage{InputTokens: 4, OutputTokens: int64(len(streamed))}}
			if !reflect.DeepEqual(*finish, want) {
				t.Errorf("finish %+v, want %+v", *finish, want)
			}
		})
	}
}

func TestTokens_areWords(t *testing.T) {
	got, _, err := talk(t.Context(), open(t, Config{Reply: " a\tb  cé\n d"}), request("x"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{" a\t", "b  ", "cé\n ", "d"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTokens_counted(t *testing.T) {
	got, finish, err := talk(t.Context(), open(t, Config{Tokens: 11, Model: "big"}), request("x"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "") != "zero one two three four five six seven eight nine zero " {
		t.Errorf("got %q", got)
	}
	if finish.Model != "big" || finish.Usage.OutputTokens != 11 {
		t.Errorf("finish %+v", finish)
	}
}

func TestEcho_Chat_outputLimit(t *testing.T) {
	e := open(t, Config{Reply: "a b c"})
	for limit, want := range map[int]llm.FinishReason{1: llm.FinishLength, 2: llm.FinishLength, 3: llm.FinishStop, 4: llm.FinishStop} {
		req := request("x")
		req.MaxOutputTokens = limit
		got, finish, err := talk(t.Context(), e, req)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != min(limit, 3) || finish.Reason != want {
			t.Errorf("limit %d: %q, %v", limit, got, finish.Reason)
		}
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, Config{Tokens: 4, FirstTokenDelayMS: 1000, TokenDelayMS: 10})
		start := time.Now()
		var at []time.Duration
		_, err := e.Chat(t.Context(), request("x"), func(llm.Delta) error { at = append(at, time.Since(start)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{time.Second, 1010 * time.Millisecond, 1020 * time.Millisecond, 1030 * time.Millisecond}
		if !reflect.DeepEqual(at, want) {
			t.Errorf("tokens came at %v, want %v", at, want)
		}
	})
}

func TestPace_endsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Millisecond)
		defer cancel()
		start := time.Now()
		got, finish, err := talk(ctx, open(t, Config{Tokens: 4, TokenDelayMS: 10}), request("x"))
		if !fault.Is(err, fault.Deadline) || len(got) != 2 || time.Since(start) != 15*time.Millisecond {
			t.Errorf("got %q, %v after %v", got, err, time.Since(start))
		}
		if finish == nil || finish.Usage.OutputTokens != 2 {
			t.Errorf("finish %+v", finish)
		}
	})
}

func TestEcho_Chat_emitError(t *testing.T) {
	gone := errors.New("gone")
	calls := 0
	_, err := open(t, Config{Tokens: 100}).Chat(t.Context(), request("x"), func(llm.Delta) error { calls++; return gone })
	if !errors.Is(err, gone) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

func TestEcho_Chat_canceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, _, err := talk(ctx, open(t, Config{}), request("x"))
	if !fault.Is(err, fault.Canceled) || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

// BenchmarkEcho_Chat shows that a token without delay needs neither a timer nor an allocation.
func BenchmarkEcho_Chat(b *testing.B) {
	e := open(b, Config{Tokens: 1000})
	req := request("x")
	emit := func(llm.Delta) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Chat(b.Context(), req, emit); err != nil {
			b.Fatal(err)
		}
	}
}
