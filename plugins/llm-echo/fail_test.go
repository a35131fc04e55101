package echo

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

func TestFail(t *testing.T) {
	for name, c := range map[string]struct {
		fail   Fail
		tokens int // tokens that are emitted before the error
	}{
		"at once":          {Fail{Class: "rate_limited", RetryAfterMS: 1500, Message: "slow down"}, 0},
		"in the middle":    {Fail{Class: "provider_failed", AfterTokens: 2}, 2},
		"at the end":       {Fail{Class: "context_too_long", AfterTokens: 3}, 3},
		"beyond the reply": {Fail{Class: "content_filtered", AfterTokens: 9}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			e := open(t, Config{Reply: "a b c", Fail: &c.fail})
			got, finish, err := talk(t.Context(), e, request("one two"))
			f := fault.Of(err)
			class, _ := fault.ParseClass(c.fail.Class)
			if err == nil || f.Class != class || f.RetryAfter != time.Duration(c.fail.RetryAfterMS)*time.Millisecond {
				t.Fatalf("got %v, %+v", err, f)
			}
			if want := c.fail.Message; want != "" && f.Message != want {
				t.Errorf("message %q", f.Message)
			}
			if len(got) != c.tokens {
				t.Errorf("%q came before it", got)
			}
			if finish == nil || finish.Usage.InputTokens != 2 || finish.Usage.OutputTokens != int64(c.tokens) {
				t.Errorf("finish %+v", finish)
			}
		})
	}
}

func TestFail_times(t *testing.T) {
	e := open(t, Config{Reply: "ok", Fail: &Fail{Class: "provider_failed", Times: 3}})
	var failed atomic.Int64
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, _, err := talk(t.Context(), e, request("x")); err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if failed.Load() != 3 {
		t.Errorf("%d calls failed, want 3", failed.Load())
	}
}

func TestEcho_Chat_hangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		after := 2
		e := open(t, Config{Reply: "a b c", HangAfterTokens: &after})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		got, _, err := talk(ctx, e, request("x"))
		if !fault.Is(err, fault.Deadline) || len(got) != 2 || time.Since(start) != time.Hour {
			t.Errorf("got %q, %v after %v", got, err, time.Since(start))
		}
	})
}

func TestEcho_Chat_crashes(t *testing.T) {
	after := 1
	e := open(t, Config{Reply: "a b c", CrashAfterTokens: &after, HangAfterTokens: &after})
	e.exit = func(status int) { panic(status) }
	var got []string
	defer func() {
		if status := recover(); status != exitStatus || len(got) != 1 {
			t.Errorf("status %v after %q", status, got)
		}
	}()
	_, _ = e.Chat(t.Context(), request("x"), func(d llm.Delta) error { got = append(got, d.Text); return nil })
}

func TestEcho_Chat_never(t *testing.T) {
	never := -1
	e := open(t, Config{Reply: "a b", HangAfterTokens: &never, CrashAfterTokens: &never})
	if _, _, err := talk(t.Context(), e, request("x")); err != nil {
		t.Error(err)
	}
}

func TestNew_refuses(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		path string
	}{
		"no class":                    {Config{Fail: &Fail{}}, "fail.class"},
		"a class that does not exist": {Config{Fail: &Fail{Class: "RateLimited"}}, "fail.class"},
		"negative times":              {Config{Fail: &Fail{Class: "internal", Times: -1}}, "fail"},
		"reply and tokens":            {Config{Reply: "a", Tokens: 1}, "tokens"},
		"negative tokens":             {Config{Tokens: -1}, "tokens"},
		"negative dimensions":         {Config{EmbeddingDimensions: -1}, "embedding_dimensions"},
		"very many dimensions":        {Config{EmbeddingDimensions: maxDimensions + 1}, "embedding_dimensions"},
		"a negative token delay":      {Config{TokenDelayMS: -1}, "token_delay_ms"},
		"a negative first delay":      {Config{FirstTokenDelayMS: -1}, "first_token_delay_ms"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.cfg)
			if f := fault.Of(err); err == nil || f.Class != fault.Invalid || f.Path.String() != c.path || f.Party != fault.PartyTenant {
				t.Errorf("%v (%+v)", err, f)
			}
		})
	}
}
