package bot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// pacedLLM says a word after each pause. A negative pause lasts until ctx ends.
type pacedLLM struct {
	pauses []time.Duration
	ended  error // context.Cause of the generation that was given up
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
		if err := emit(llm.Delta{Text: "word ", Usage: chat.Usage{OutputTokens: spent.Usage.OutputTokens}}); err != nil {
			return spent, err
		}
	}
	return spent, nil
}

func patient(p *Parts) {
	p.Limits.TurnTimeout, p.Limits.FirstTokenTimeout, p.Limits.TokenTimeout = time.Hour, 5*time.Minute, time.Minute
}

func TestASilentProviderIsGivenUp(t *testing.T) {
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
				if got := s.last(t); got.Usage.OutputTokens != c.words {
					t.Errorf("%d tokens are kept as usage; want %d", got.Usage.OutputTokens, c.words)
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

// queuedLLM waits in a queue before it is asked. A negative wait lasts until ctx
// ends.
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

// Time in the queue is not the provider's, and has a limit of its own.
func TestWaitingInTheQueueIsNotTheProvidersSilence(t *testing.T) {
	for name, c := range map[string]struct {
		queued, first, takes time.Duration
		message              string // empty: it succeeds
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

// Time that a slow reader takes is not the provider's.
func TestASlowReaderIsNotTheProvidersSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &pacedLLM{pauses: []time.Duration{time.Second, 59 * time.Second, 59 * time.Second}}
		_, err := newTestBot(&logStorage{}, m, patient).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"},
			func(string) error { time.Sleep(10 * time.Minute); return nil })
		if err != nil {
			t.Error(err)
		}
	})
}

// A tenant that is less patient than the host does not speak for others.
func TestTokenTimeoutSetByTheTenantBlamesNobody(t *testing.T) {
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

// Limits that say nothing let the provider be silent.
func TestWithoutTokenTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &pacedLLM{pauses: []time.Duration{10 * time.Minute, 10 * time.Minute}}
		_, err := newTestBot(&logStorage{}, m, patient, func(p *Parts) { p.Limits.FirstTokenTimeout, p.Limits.TokenTimeout = 0, 0 }).
			Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
		if err != nil {
			t.Error(err)
		}
	})
}

// What the host refuses to pass on to a storage that fails has started nothing, and
// is not tried again; what was sent before is.
func TestARefusedBeginIsNotRepeated(t *testing.T) {
	refused := func() error { return fault.New(fault.ProviderFailed, "it failed too often").After(5 * time.Second) }
	synctest.Test(t, func(t *testing.T) {
		s := &logStorage{faults: map[string][]error{"begin": {refused()}}}
		start := time.Now()
		_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
		if e := wantClass(t, err, fault.ProviderFailed); e.RetryAfter != 5*time.Second || time.Since(start) != 0 || len(s.begins) != 1 {
			t.Errorf("%+v after %s and %d begins", e, time.Since(start), len(s.begins))
		}
		s = &logStorage{faults: map[string][]error{"begin": {nil, refused()}}, lost: map[string][]error{"begin": {fault.New(fault.Deadline, "late")}}}
		if _, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil); err != nil || len(s.begins) != 3 {
			t.Errorf("%v after %d begins; want the started turn taken up by the third", err, len(s.begins))
		}
	})
}

func TestTheReplyIsCutAtItsTokens(t *testing.T) {
	usage := func(n int64) chat.Usage { return chat.Usage{OutputTokens: n} }
	for name, c := range map[string]struct {
		deltas []llm.Delta
		want   string
		cut    bool
	}{
		"counted":            {[]llm.Delta{{Text: "ab", Usage: usage(2)}, {Text: "cd", Usage: usage(4)}, {Text: "e", Usage: usage(5)}}, "abcd", true},
		"counted in a lump":  {[]llm.Delta{{Text: "ab", Usage: usage(2)}, {Text: "cdefgh", Usage: usage(8)}}, "abcd", true},
		"exact":              {[]llm.Delta{{Text: "ab", Usage: usage(2)}, {Text: "cd", Usage: usage(4)}}, "abcd", false},
		"not counted":        {[]llm.Delta{{Text: strings.Repeat("é", 62)}, {Text: strings.Repeat("x", 30)}}, strings.Repeat("é", 62) + "xx", true},
		"not counted, short": {[]llm.Delta{{Text: strings.Repeat("é", 64)}}, strings.Repeat("é", 64), false},
		"counted once only":  {[]llm.Delta{{Text: "a", Usage: usage(1)}, {Text: strings.Repeat("x", 100), Usage: usage(1)}}, "a" + strings.Repeat("x", 48), true},
		"counted, long":      {[]llm.Delta{{Text: strings.Repeat("=", 500), Usage: usage(2)}, {Text: strings.Repeat("=", 500), Usage: usage(4)}}, strings.Repeat("=", 1000), false},
		"counted now and then": {[]llm.Delta{{Text: strings.Repeat("x", 60)}, {Text: "y", Usage: usage(3)}, {Text: strings.Repeat("z", 20)}},
			strings.Repeat("x", 60) + "y" + strings.Repeat("z", 16), true},
		"reasoning counts": {[]llm.Delta{{Reasoning: strings.Repeat("r", 62)}, {Text: "answer"}}, "an", true},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{}, &deltaLLM{deltas: c.deltas}
			r, err := newTestBot(s, m, func(p *Parts) { p.Limits.ReplyTokens = 4 }).
				Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Text != c.want || m.asked != 4 {
				t.Errorf("reply %q; want %q; %d tokens were asked for", r.Text, c.want, m.asked)
			}
			reason := `"finish_reason":"stop"`
			if c.cut {
				reason = `"finish_reason":"length"`
			}
			last := s.last(t)
			if !strings.Contains(string(last.Record), reason) || last.State != storage.Succeeded {
				t.Errorf("%s, record %s; want %s", last.State, last.Record, reason)
			}
			if n := c.deltas[len(c.deltas)-1].Usage.OutputTokens; r.Usage.OutputTokens != n {
				t.Errorf("usage %d; want what was spent, %d", r.Usage.OutputTokens, n)
			}
		})
	}
}

// deltaLLM says what it was given, whatever it is asked to keep.
type deltaLLM struct {
	deltas []llm.Delta
	asked  int
}

func (m *deltaLLM) Chat(_ context.Context, r *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	m.asked = r.MaxOutputTokens
	spent := &llm.Finish{Reason: llm.FinishStop}
	for _, d := range m.deltas {
		spent.Usage = d.Usage
		if err := emit(d); err != nil {
			return spent, err
		}
	}
	return spent, nil
}
