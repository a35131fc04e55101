package echo

import (
	"context"
	"errors"
	"reflect"
	"strconv"
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

func streamedRequest(texts ...string) *llm.Request {
	r := wholeRequest(texts...)
	r.Stream = true
	return r
}

func wholeRequest(texts ...string) *llm.Request {
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

func TestEcho_Chat_streamedAndWholeAreEqual(t *testing.T) {
	for name, cfg := range map[string]Config{
		"natural": {}, "fixed": {Reply: "  a\tb  c\n"}, "counted": {Tokens: 12}, "white space": {Reply: "   "},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, cfg)
			streamed, finish, err := talk(t.Context(), e, streamedRequest("one two", "three  {{7*7}} "))
			if err != nil {
				t.Fatal(err)
			}
			whole, wholeFinish, err := talk(t.Context(), e, wholeRequest("one two", "three  {{7*7}} "))
			if err != nil {
				t.Fatal(err)
			}
			if len(whole) != 1 || whole[0] != strings.Join(streamed, "") {
				t.Errorf("whole %q, streamed %q", whole, streamed)
			}
			if !reflect.DeepEqual(finish, wholeFinish) {
				t.Errorf("finishes differ: %+v, %+v", finish, wholeFinish)
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
	got, _, err := talk(t.Context(), open(t, Config{Reply: " a\tb  cé\n d"}), streamedRequest("x"))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{" a\t", "b  ", "cé\n ", "d"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTokens_counted(t *testing.T) {
	got, finish, err := talk(t.Context(), open(t, Config{Tokens: 11, Model: "big"}), streamedRequest("x"))
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
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			req := streamedRequest("x")
			req.MaxOutputTokens = limit
			got, finish, err := talk(t.Context(), e, req)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != min(limit, 3) || finish.Reason != want {
				t.Errorf("%q, %v", got, finish.Reason)
			}
		})
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := open(t, Config{Tokens: 4, FirstTokenDelayMS: 1000, TokenDelayMS: 10})
		start := time.Now()
		var at []time.Duration
		_, err := e.Chat(t.Context(), streamedRequest("x"), func(llm.Delta) error { at = append(at, time.Since(start)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		want := []time.Duration{time.Second, 1010 * time.Millisecond, 1020 * time.Millisecond, 1030 * time.Millisecond}
		if !reflect.DeepEqual(at, want) {
			t.Errorf("tokens came at %v, want %v", at, want)
		}
		start = time.Now()
		if _, _, err := talk(t.Context(), e, wholeRequest("x")); err != nil || time.Since(start) != want[3] {
			t.Errorf("the whole reply took %v (%v), want %v", time.Since(start), err, want[3])
		}
	})
}

func TestPace_endsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Millisecond)
		defer cancel()
		start := time.Now()
		got, finish, err := talk(ctx, open(t, Config{Tokens: 4, TokenDelayMS: 10}), streamedRequest("x"))
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
	for name, req := range map[string]*llm.Request{"streamed": streamedRequest("x"), "whole": wholeRequest("x")} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			_, err := open(t, Config{Tokens: 100}).Chat(t.Context(), req, func(llm.Delta) error { calls++; return gone })
			if !errors.Is(err, gone) || calls != 1 {
				t.Errorf("%v after %d calls", err, calls)
			}
		})
	}
}

func TestEcho_Chat_canceledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, _, err := talk(ctx, open(t, Config{}), streamedRequest("x"))
	if !fault.Is(err, fault.Canceled) || len(got) != 0 {
		t.Errorf("got %q, %v", got, err)
	}
}

// BenchmarkEcho_Chat shows that a token without delay needs neither a timer nor an allocation.
func BenchmarkEcho_Chat(b *testing.B) {
	e := open(b, Config{Tokens: 1000})
	req := streamedRequest("x")
	emit := func(llm.Delta) error { return nil }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Chat(b.Context(), req, emit); err != nil {
			b.Fatal(err)
		}
	}
}
