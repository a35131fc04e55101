package bot

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// pacedLLM is a model that replies with a word after each pause. A negative pause lasts until
// ctx ends.
type pacedLLM struct {
	pauses []time.Duration
	ended  error // cause of the end of the call's context
}

func (m *pacedLLM) Chat(ctx context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	spent := &llm.Finish{Reason: llm.FinishStop}
	for _, pause := range m.pauses {
		if pause < 0 {
			pause = time.Hour
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			m.ended = context.Cause(ctx)
			return spent, ctx.Err()
		}
		spent.Usage.OutputTokens++
		if err := emit(llm.Delta{Part: chat.Part{Text: "word "}, Usage: chat.Usage{OutputTokens: spent.Usage.OutputTokens}}); err != nil {
			return spent, err
		}
	}
	return spent, nil
}

func patient(p *Parts) {
	p.Limits.TurnTimeout, p.Limits.FirstTokenTimeout, p.Limits.TokenTimeout = time.Hour, 5*time.Minute, time.Minute
}

func TestTokenTimeout_endsASilentCall(t *testing.T) {
	const never = -1
	for name, c := range map[string]struct {
		pauses  []time.Duration
		takes   time.Duration
		words   int64
		message string
	}{
		"before the first token":      {[]time.Duration{never}, 5 * time.Minute, 0, "the provider did not begin to reply within 5m0s"},
		"between tokens":              {[]time.Duration{4 * time.Minute, 59 * time.Second, never}, 5*time.Minute + 59*time.Second, 2, "the provider stopped in the middle of its reply for 1m0s"},
		"a slow start is no silence":  {[]time.Duration{299 * time.Second}, 299 * time.Second, 1, ""},
		"a steady pace is no silence": {[]time.Duration{50 * time.Second, 50 * time.Second, 50 * time.Second}, 150 * time.Second, 3, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := &logStorage{}, &pacedLLM{pauses: c.pauses}
				start := time.Now()
				_, err := newTestBot(s, m, patient).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
				if took := time.Since(start); took != c.takes {
					t.Errorf("it took %s; want %s", took, c.takes)
				}
				if got := s.last(t); usageOf(got.Usage).OutputTokens != c.words {
					t.Errorf("%d tokens are kept as usage; want %d", usageOf(got.Usage).OutputTokens, c.words)
				}
				if c.message == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if e := wantClass(t, err, fault.Deadline); e.Party != fault.PartyProvider || !e.Retryable || e.Message != c.message {
					t.Errorf("%+v", e)
				}
				if got := s.last(t); got.State != storage.Failed || got.Reason != "deadline: "+c.message {
					t.Errorf("commit %+v", got)
				}
				var blame interface{ BlamesUpstream() bool }
				if !errors.As(m.ended, &blame) || !blame.BlamesUpstream() {
					t.Errorf("%v does not blame the upstream", m.ended)
				}
			})
		})
	}
}

// queuedLLM is a model whose calls wait in a queue for the given time before Chat.
type queuedLLM struct {
	pacedLLM
	wait time.Duration
}

func (m *queuedLLM) ChatFrom(ctx context.Context, r *llm.Request, emit func(llm.Delta) error, begun func()) (*llm.Finish, error) {
	select {
	case <-time.After(m.wait):
	case <-ctx.Done():
		m.ended = context.Cause(ctx)
		return nil, fault.New(fault.Of(ctx.Err()).Class, "no slot: %w", ctx.Err())
	}
	begun()
	return m.Chat(ctx, r, emit)
}

// TestTokenTimeout_queueHasATimeoutOfItsOwn checks that the wait in the plugin's queue has a
// separate timeout, and does not count as time of the provider.
func TestTokenTimeout_queueHasATimeoutOfItsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		queued, first, takes time.Duration
		message              string // message of the expected error; empty for success
		party                fault.Party
	}{
		"both just in time":   {queued: 299 * time.Second, first: 299 * time.Second},
		"a provider too slow": {299 * time.Second, time.Hour, 599 * time.Second, "the provider did not begin to reply within 5m0s", fault.PartyProvider},
		"a queue too long":    {time.Hour, 0, 300 * time.Second, "the call waited 5m0s in the queue of the llm plugin: calls before it have all that the plugin or its upstream takes at once", fault.PartyHost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, m := &logStorage{}, &queuedLLM{pacedLLM{pauses: []time.Duration{c.first, 59 * time.Second}}, c.queued}
				start := time.Now()
				_, err := newTestBot(s, m, patient).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
				if c.message == "" {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if e := wantClass(t, err, fault.Deadline); e.Party != c.party || e.Message != c.message || !e.Retryable || time.Since(start) != c.takes {
					t.Errorf("%+v after %s", e, time.Since(start))
				}
				if got := s.last(t); got.State != storage.Failed || got.Reason != "deadline: "+c.message {
					t.Errorf("commit %+v", got)
				}
				var blame interface{ BlamesUpstream() bool }
				if !errors.As(m.ended, &blame) || blame.BlamesUpstream() != (c.party == fault.PartyProvider) {
					t.Errorf("%v", m.ended)
				}
			})
		})
	}
}

// TestTokenTimeout_slowReader checks that the time in which the caller reads a piece does not
// count as time of the provider.
func TestTokenTimeout_slowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &pacedLLM{pauses: []time.Duration{time.Second, 59 * time.Second, 59 * time.Second}}
		_, err := newTestBot(&logStorage{}, m, patient).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"},
			func(string) error { time.Sleep(10 * time.Minute); return nil })
		if err != nil {
			t.Error(err)
		}
	})
}

// TestTokenTimeout_setByTheTenant checks that a timeout that the tenant set does not
// blame the provider, because other tenants use the provider too.
func TestTokenTimeout_setByTheTenant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &pacedLLM{pauses: []time.Duration{-1}}
		_, err := newTestBot(&logStorage{}, m, patient, func(p *Parts) { p.Limits.TenantSetTokenTimeout = true }).
			Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
		wantClass(t, err, fault.Deadline)
		var blame interface{ BlamesUpstream() bool }
		if !errors.As(m.ended, &blame) || blame.BlamesUpstream() {
			t.Errorf("%v blames the upstream", m.ended)
		}
	})
}

// TestTokenTimeout_none checks that without timeouts the provider may be silent until the
// turn's own timeout.
func TestTokenTimeout_none(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &pacedLLM{pauses: []time.Duration{10 * time.Minute, 10 * time.Minute}}
		_, err := newTestBot(&logStorage{}, m, patient, func(p *Parts) { p.Limits.FirstTokenTimeout, p.Limits.TokenTimeout = 0, 0 }).
			Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
		if err != nil {
			t.Error(err)
		}
	})
}
