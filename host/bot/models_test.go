package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// failingLLM is a model whose first calls return errs, one in each call. Later calls reply with its name.
// Each call uses one token of input.
type failingLLM struct {
	name   string
	errs   []error
	pieces []llm.Delta // emitted before each error
	traits sdk.LLMTraits
	seen   [][]chat.Message
}

func (m *failingLLM) LLMTraits(context.Context) sdk.LLMTraits { return m.traits }

func (m *failingLLM) Chat(_ context.Context, r *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	m.seen = append(m.seen, r.Messages)
	spent := &llm.Finish{Usage: chat.Usage{InputTokens: 1}, Reason: llm.FinishStop}
	if len(m.seen) <= len(m.errs) {
		for _, d := range m.pieces {
			if err := emit(d); err != nil {
				return spent, err
			}
		}
		return spent, m.errs[len(m.seen)-1]
	}
	return spent, emit(llm.Text(m.name))
}

// always returns the error so often that every call of a model in a turn returns it.
func always(err error) []error { return slices.Repeat([]error{err}, 20) }

// ofModel returns an error as the host gets it from an llm plugin.
func ofModel(class fault.Class) *fault.Error { return fault.New(class, "no").From(fault.OriginModel) }

// keptRecord returns the record of the last turn.
func keptRecord(t *testing.T, s *logStorage) *record {
	t.Helper()
	var r record
	if err := json.Unmarshal(s.last(t).Record, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// fallingBack returns a bot whose first model is first, and whose only fallback is second.
func fallingBack(s storage.Storage, first, second llm.LLM, change ...func(*Parts)) *Bot {
	return newTestBot(s, first, append(change, func(p *Parts) {
		p.Plugins = map[string]string{"llm": "one 1"}
		p.Fallback = []Model{{LLM: second, Block: "llm.fallback.0", Plugin: "two"}}
	})...)
}

// TestAsk checks, for each kind of failure of the first model, how often the turn asks it, and whether
// the turn asks the fallback.
//
// beyond: asked again before a fallback
func TestAsk(t *testing.T) {
	text := []llm.Delta{llm.Text("hal")}
	for name, c := range map[string]struct {
		errs     []error
		pieces   []llm.Delta
		asked    int
		fallback bool
		replies  string // empty if the turn fails
	}{
		"a failure that passes":                {errs: []error{ofModel(fault.ProviderFailed), ofModel(fault.ProviderFailed)}, asked: 3, replies: "one"},
		"a failure that stays":                 {errs: always(ofModel(fault.ProviderFailed)), asked: 3, fallback: true, replies: "two"},
		"a failure that a retry ends not":      {errs: always(&fault.Error{Class: fault.ProviderFailed, Party: fault.PartyProvider}), asked: 1, fallback: true, replies: "two"},
		"a limit with a short time":            {errs: []error{ofModel(fault.RateLimited).After(time.Millisecond)}, asked: 2, replies: "one"},
		"a limit with a long time":             {errs: always(ofModel(fault.RateLimited).After(maxRetryPause + 1)), asked: 1, fallback: true, replies: "two"},
		"a limit without a time":               {errs: always(ofModel(fault.RateLimited)), asked: 1, fallback: true, replies: "two"},
		"no quota":                             {errs: always(ofModel(fault.QuotaExhausted)), asked: 1, fallback: true, replies: "two"},
		"wrong credentials":                    {errs: always(ofModel(fault.Unauthenticated)), asked: 1, fallback: true, replies: "two"},
		"forbidden":                            {errs: always(ofModel(fault.Forbidden)), asked: 1, fallback: true, replies: "two"},
		"no such model":                        {errs: always(ofModel(fault.NotFound)), asked: 1, fallback: true, replies: "two"},
		"settings that the model refuses":      {errs: always(ofModel(fault.Invalid)), asked: 1, fallback: true, replies: "two"},
		"a plugin that is away":                {errs: always(ofModel(fault.PluginUnavailable).After(time.Minute)), asked: 1, fallback: true, replies: "two"},
		"a plugin that ends":                   {errs: always(ofModel(fault.PluginUnavailable)), asked: 1 + maxModelRetries, fallback: true, replies: "two"},
		"no answer in time":                    {errs: always(ofModel(fault.Deadline)), asked: 1, fallback: true, replies: "two"},
		"a fault of the plugin":                {errs: always(ofModel(fault.Internal)), asked: 1, fallback: true, replies: "two"},
		"a call that the plugin gave up":       {errs: always(ofModel(fault.Canceled)), asked: 1, fallback: true, replies: "two"},
		"nothing in the reply":                 {errs: always(nil), asked: 3, fallback: true, replies: "two"},
		"a request that is wrong":              {errs: always(ofModel(fault.Invalid).By(fault.PartyCaller)), asked: 1},
		"content that the provider refused":    {errs: always(ofModel(fault.ContentFiltered)), asked: 1},
		"content that the tenant may not send": {errs: always(ofModel(fault.ContentFiltered).By(fault.PartyTenant)), asked: 1},
		"a conversation that is too long":      {errs: always(ofModel(fault.ContextTooLong)), asked: 1, fallback: true, replies: "two"},
		"a message that it does not take":      {errs: always(ofModel(fault.Unsupported)), asked: 1},
		"in the middle of the reply":           {errs: always(ofModel(fault.ProviderFailed)), pieces: text, asked: 1},
		"in the middle of its reasoning":       {errs: always(ofModel(fault.ProviderFailed)), pieces: []llm.Delta{llm.Reasoning("so")}, asked: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &logStorage{}
			one, two := &failingLLM{name: "one", errs: c.errs, pieces: c.pieces}, &failingLLM{name: "two"}
			said := ""
			reply, err := fallingBack(s, one, two).Chat(t.Context(), hi, func(text string) error { said += text; return nil })
			if c.replies == "" {
				if err == nil || s.last(t).State != storage.Failed {
					t.Errorf("the turn succeeded: %+v", reply)
				}
			} else if err != nil || reply.Text != c.replies || said != c.replies {
				t.Fatalf("reply %+v, said %q, error %v", reply, said, err)
			}
			if len(one.seen) != c.asked || (len(two.seen) > 0) != c.fallback {
				t.Errorf("the model was asked %d times, and the fallback %d times; want %d", len(one.seen), len(two.seen), c.asked)
			}
			if u := usageOf(s.last(t).Usage); c.pieces == nil && u.InputTokens != int64(len(one.seen)+len(two.seen)) {
				t.Errorf("the usage is %+v", u)
			}
			r := keptRecord(t, s)
			if c.fallback != (r.LLMBlock == "llm.fallback.0" && r.Plugins["llm"] == "two" && len(r.PassedOver) == 1 && r.PassedOver[0].Block == "llm" &&
				r.PassedOver[0].Plugin == "one 1" && r.PassedOver[0].Asked == c.asked) {
				t.Errorf("the record is %s", s.last(t).Record)
			}
		})
	}
}

// TestAsk_allFail checks that the error of a turn whose models all fail is that of the last one, and
// that the record has those of the others.
func TestAsk_allFail(t *testing.T) {
	s := &logStorage{}
	refused := ofModel(fault.Unauthenticated)
	refused.UpstreamStatus = 401
	told := 0
	b := newTestBot(s, &failingLLM{errs: always(refused)}, func(p *Parts) {
		p.Plugins = map[string]string{"llm": "one 1"}
		p.Unauthenticated = func() { told++ }
		for i, class := range []fault.Class{fault.QuotaExhausted, fault.NotFound} {
			p.Fallback = append(p.Fallback, Model{LLM: &failingLLM{errs: always(ofModel(class))}, Block: fmt.Sprint("llm.fallback.", i), Plugin: "two"})
		}
	})
	seen := &seenEnds{}
	b.Observer = seen
	_, err := b.Chat(t.Context(), hi, nil)
	wantClass(t, err, fault.NotFound)
	r := keptRecord(t, s)
	if r.LLMBlock != "llm.fallback.1" || len(r.PassedOver) != 2 || r.Failure == nil {
		t.Fatalf("the record is %s", s.last(t).Record)
	}
	if p := r.PassedOver[0]; p.Block != "llm" || p.Class != "unauthenticated" || p.Party != "tenant" || p.UpstreamStatus != 401 || p.Detail == "" {
		t.Errorf("the first model: %+v", p)
	}
	if p := r.PassedOver[1]; p.Block != "llm.fallback.0" || p.Class != "quota_exhausted" || p.Asked != 1 {
		t.Errorf("the second model: %+v", p)
	}
	if told != 1 {
		t.Errorf("the host was told %d times of credentials that are not accepted", told)
	}
	want := []PassedOver{{"llm", "one", fault.Unauthenticated}, {"llm.fallback.0", "two", fault.QuotaExhausted}}
	if len(seen.ends) != 1 || !slices.Equal(seen.ends[0].PassedOver, want) || seen.ends[0].Fallback != "" {
		t.Errorf("the observer got %+v", seen.ends)
	}
}

// seenEnds is an Observer that keeps the ends of turns.
type seenEnds struct {
	noObserver
	ends []TurnEnd
}

func (o *seenEnds) TurnEnded(e TurnEnd) { o.ends = append(o.ends, e) }

// TestAsk_eachWithItsTraits checks that the fallback is shown the earlier messages as it can take them,
// with the provider states of its own maker. It also checks that the record counts the parts that the
// host replaced or left out for the fallback, and not those for the first model.
func TestAsk_eachWithItsTraits(t *testing.T) {
	image := chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{1}}}
	of := func(maker string) chat.Part {
		return chat.Part{Text: maker, State: &chat.ProviderState{Maker: maker, Data: []byte{1}}}
	}
	s := &logStorage{history: []chat.Message{
		{Role: chat.User, Parts: []chat.Part{image}}, {Role: chat.Assistant, Parts: []chat.Part{of("one"), of("two")}},
	}}
	one := &failingLLM{errs: always(ofModel(fault.QuotaExhausted)), traits: sdk.LLMTraits{Maker: "one"}}
	two := &failingLLM{name: "two", traits: sdk.LLMTraits{Maker: "two", Media: []sdk.MediaKind{}}}
	if _, err := fallingBack(s, one, two, func(p *Parts) { p.Prompts = prompt.Set{} }).Chat(t.Context(), hi, nil); err != nil {
		t.Fatal(err)
	}
	first, second := one.seen[0], two.seen[0]
	if first[0].Parts[0].Media == nil || first[1].Parts[0].State == nil || first[1].Parts[1].State != nil {
		t.Errorf("the model was shown %+v", first)
	}
	if second[0].Parts[0].Media != nil || second[1].Parts[0].State != nil || second[1].Parts[1].State == nil {
		t.Errorf("the fallback was shown %+v", second)
	}
	if r := keptRecord(t, s); r.Replaced == nil || *r.Replaced != (replacedParts{Media: 1, ProviderStates: 1}) {
		t.Errorf("the record counts %+v", r.Replaced)
	}
}

// TestAsk_passesOverWhatAFallbackCannotTake checks that a fallback which cannot take the new messages is
// passed over without a call, and that the turn asks the next fallback.
func TestAsk_passesOverWhatAFallbackCannotTake(t *testing.T) {
	s := &logStorage{}
	blind, sees := &failingLLM{name: "blind", traits: sdk.LLMTraits{Media: []sdk.MediaKind{}}}, &failingLLM{name: "sees"}
	b := newTestBot(s, &failingLLM{errs: always(ofModel(fault.QuotaExhausted))}, func(p *Parts) {
		p.Fallback = []Model{{LLM: blind, Block: "llm.fallback.0", Plugin: "two"}, {LLM: sees, Block: "llm.fallback.1", Plugin: "three"}}
	})
	req := Request{ConversationID: "c", Messages: []chat.Message{{Role: chat.User, Parts: []chat.Part{{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte{1}}}}}}}
	reply, err := b.Chat(t.Context(), req, nil)
	if err != nil || reply.Text != "sees" || len(blind.seen) != 0 {
		t.Fatalf("%+v, %v; the blind model was asked %d times", reply, err, len(blind.seen))
	}
	if r := keptRecord(t, s); len(r.PassedOver) != 2 || r.PassedOver[1].Class != "unsupported" || r.PassedOver[1].Asked != 0 || r.LLMBlock != "llm.fallback.1" {
		t.Errorf("the record is %s", s.last(t).Record)
	}
}

// TestAsk_withinTheTurn checks that no fallback is asked after the turn's timeout, and that a fallback is
// asked in the rest of the turn if the first model is silent.
func TestAsk_withinTheTurn(t *testing.T) {
	silent := func(ctx context.Context, _ *llm.Request, _ func(llm.Delta) error) (*llm.Finish, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	two := &failingLLM{name: "two"}
	_, err := fallingBack(&logStorage{}, funcLLM(silent), two, func(p *Parts) { p.Limits.TurnTimeout = 50 * time.Millisecond }).Chat(t.Context(), hi, nil)
	if wantClass(t, err, fault.Deadline); len(two.seen) != 0 {
		t.Error("the fallback was asked after the turn")
	}
	reply, err := fallingBack(&logStorage{}, funcLLM(silent), two, func(p *Parts) { p.Limits.FirstTokenTimeout = 50 * time.Millisecond }).Chat(t.Context(), hi, nil)
	if err != nil || reply.Text != "two" {
		t.Errorf("%+v, %v", reply, err)
	}
	// If the pause before a repeated call is longer than the rest of the turn, the fallback is asked at once.
	busy := &failingLLM{errs: always(ofModel(fault.ProviderFailed).After(time.Second))}
	reply, err = fallingBack(&logStorage{}, busy, two, func(p *Parts) { p.Limits.TurnTimeout = 900 * time.Millisecond }).Chat(t.Context(), hi, nil)
	if err != nil || reply.Text != "two" || len(busy.seen) != 1 {
		t.Errorf("%+v, %v; asked %d times", reply, err, len(busy.seen))
	}
}

// lateLLM is an opener. It counts the calls of OpenLLM, which return the error err.
type lateLLM struct {
	llm.LLM
	err   error
	opens int
}

func (l *lateLLM) OpenLLM(context.Context) (llm.LLM, error) {
	l.opens++
	return l.LLM, l.err
}

// TestAsk_opensLate checks that a fallback is opened only when it is asked, and that a model that cannot
// be opened is passed over.
func TestAsk_opensLate(t *testing.T) {
	late := &lateLLM{LLM: &failingLLM{name: "late"}}
	if _, err := fallingBack(&logStorage{}, &failingLLM{name: "one"}, late).Chat(t.Context(), hi, nil); err != nil || late.opens != 0 {
		t.Errorf("opened %d times, %v", late.opens, err)
	}
	s := &logStorage{}
	gone := &lateLLM{err: fault.New(fault.PluginUnavailable, "is not installed")}
	reply, err := fallingBack(s, gone, late).Chat(t.Context(), hi, nil)
	if err != nil || reply.Text != "late" || gone.opens != 1 {
		t.Fatalf("%+v, %v", reply, err)
	}
	if r := keptRecord(t, s); len(r.PassedOver) != 1 || r.PassedOver[0].Asked != 0 || r.PassedOver[0].Class != "plugin_unavailable" {
		t.Errorf("the record is %s", s.last(t).Record)
	}
}

// TestForCallers_passedOver checks that callers see the classes of models that were passed over, and
// nothing that a plugin or an upstream wrote.
func TestForCallers_passedOver(t *testing.T) {
	r := record{Revision: "r", PassedOver: []passedOver{
		{Block: "llm", Plugin: "one 1", Class: "rate_limited", Party: "provider", Path: "llm.x10.0.0.7", UpstreamStatus: 429, Asked: 1, Detail: "10.0.0.7 said no"},
	}}
	for name, f := range map[string]*Failure{"succeeded": nil, "failed": {Detail: "10.0.0.7"}} {
		r.Failure = f
		got := string(ForCallers(Turn{State: storage.Succeeded, Record: r.json()}).Record)
		if strings.Contains(got, "10.0.0.7") || strings.Contains(got, "party") {
			t.Errorf("%s: callers see %s", name, got)
		}
		if !strings.Contains(got, `"passed_over":[{"block":"llm","plugin":"one 1","class":"rate_limited","upstream_status":429,"asked":1,"took_ms":0}]`) {
			t.Errorf("%s: callers see %s", name, got)
		}
	}
	for _, raw := range []string{`{"passed_over":"10.0.0.7"}`, `{"passed_over":[{"class":"10.0.0.7","detail":7}]}`, `{"passed_over":[{"class":"10.0.0.7"}]}`} {
		if got := ForCallers(Turn{State: storage.Succeeded, Record: json.RawMessage(raw)}); strings.Contains(string(got.Record), "10.0.0.7") {
			t.Errorf("callers see %s", got.Record)
		}
	}
}

// TestPassOver_logs checks that a model which each turn passes over is logged once a minute for each class
// of its errors, with the number of lines that were left out.
func TestPassOver_logs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		broken := &failingLLM{name: "one", errs: append(always(ofModel(fault.QuotaExhausted)), ofModel(fault.NotFound), ofModel(fault.QuotaExhausted))}
		b := fallingBack(&logStorage{}, broken, &failingLLM{name: "two"}, func(p *Parts) { p.Log = hclog.New(&hclog.LoggerOptions{Output: &log}) })
		want := func(lines int, text string) {
			t.Helper()
			if n := strings.Count(log.String(), "the next one is asked"); n != lines || !strings.Contains(log.String(), text) {
				t.Errorf("%d lines; want %d and %q\n%s", n, lines, text, log.String())
			}
		}
		chat := func() {
			t.Helper()
			if _, err := b.Chat(t.Context(), hi, nil); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			chat()
		}
		want(1, "left_out=0")
		chat()
		want(2, "")
		time.Sleep(time.Minute)
		chat()
		want(3, "left_out=19")
	})
}
