package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/prompt"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
)

// sized is a model whose context has so many tokens. It refuses requests of more messages than most, if
// most is not 0, and all requests if it is less. It bills a multiple of the estimated tokens.
type sized struct {
	tokens int64
	most   int
	bills  float64
	seen   [][]chat.Message
}

func (m *sized) LLMTraits(context.Context) sdk.LLMTraits {
	return sdk.LLMTraits{ContextTokens: m.tokens}
}

func (m *sized) Chat(_ context.Context, r *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	m.seen = append(m.seen, r.Messages)
	if m.most != 0 && len(r.Messages) > m.most {
		return nil, fault.New(fault.ContextTooLong, "no").From(fault.OriginModel)
	}
	return &llm.Finish{Usage: chat.Usage{InputTokens: int64(m.bills * messagesTokens(r.Messages))}}, emit(llm.Text("ok"))
}

// long returns a text with the given number of estimated tokens.
func long(tokens int) string { return strings.Repeat("four", tokens) }

// conversation returns the messages of the given number of turns. Each message has 100 estimated tokens:
// 96 for its text, and 4 for the message itself.
func conversation(turns int) []chat.Message {
	var log []chat.Message
	for i := range turns {
		log = append(log, chat.Text(chat.User, fmt.Sprintf("q%02d ", i)+long(95)), chat.Text(chat.Assistant, fmt.Sprintf("a%02d ", i)+long(95)))
	}
	return log
}

// beginnings returns the first three characters of each message, without the system prompt.
func beginnings(messages []chat.Message) string {
	var out []string
	for _, m := range messages {
		if m.Role != chat.System {
			out = append(out, m.Text()[:min(3, len(m.Text()))])
		}
	}
	return strings.Join(out, " ")
}

func bounded(s *logStorage, m llm.LLM, change ...func(*Parts)) *Bot {
	return newTestBot(s, m, append([]func(*Parts){func(p *Parts) { p.Memory, p.Prompts, p.Limits.MessageBytes = tailMemory(100), prompt.Set{}, 1<<20 }}, change...)...)
}

// TestFit checks that whole turns are left out, the oldest first, so that the rest fits into the model's
// context beside the message and the reply, and that the record says how many.
func TestFit(t *testing.T) {
	for name, c := range map[string]struct {
		tokens     int64
		limit      int
		reply      int
		turns      int
		shown      string
		left, cuts int // messages and turns that were left out
		reserved   int64
	}{
		"all fits":               {tokens: 100000, turns: 5, shown: "q00 a00 q01 a01 q02 a02 q03 a03 q04 a04 hi"},
		"nobody says the size":   {turns: 3, shown: "q00 a00 q01 a01 q02 a02 hi"},
		"two turns fit":          {tokens: 600, turns: 5, shown: "q03 a03 q04 a04 hi", left: 6, cuts: 3, reserved: 150},
		"no half turn":           {tokens: 480, turns: 5, shown: "q04 a04 hi", left: 8, cuts: 4, reserved: 120},
		"the reply has its room": {tokens: 600, reply: 300, turns: 5, shown: "q04 a04 hi", left: 8, cuts: 4, reserved: 300},
		"half for the reply":     {tokens: 600, reply: 100000, turns: 5, shown: "q04 a04 hi", left: 8, cuts: 4, reserved: 300},
		"a limit of the tenant":  {limit: 600, turns: 5, shown: "q03 a03 q04 a04 hi", left: 6, cuts: 3, reserved: 150},
		"the smaller counts":     {tokens: 100000, limit: 600, turns: 5, shown: "q03 a03 q04 a04 hi", left: 6, cuts: 3, reserved: 150},
		"the model's counts":     {tokens: 600, limit: 100000, turns: 5, shown: "q03 a03 q04 a04 hi", left: 6, cuts: 3, reserved: 150},
		"nothing earlier fits":   {tokens: 100, turns: 2, shown: "hi", left: 4, cuts: 2, reserved: 25},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{history: conversation(c.turns)}, &sized{tokens: c.tokens}
			b := bounded(s, m, func(p *Parts) { p.Limits.ContextTokens, p.Limits.ReplyTokens = c.limit, c.reply })
			if _, err := b.Chat(t.Context(), hi, nil); err != nil {
				t.Fatal(err)
			}
			if got := beginnings(m.seen[0]); got != c.shown {
				t.Errorf("shown %q, want %q", got, c.shown)
			}
			r := keptRecord(t, s)
			if r.Recalled != 2*c.turns-c.left {
				t.Errorf("the record says that %d messages were shown", r.Recalled)
			}
			if c.left == 0 {
				if r.Context != nil {
					t.Errorf("the record says %+v of a conversation that fits", r.Context)
				}
				return
			}
			if got := r.Context; got == nil || got.LeftOut != c.left || got.LeftOutTurns != c.cuts || got.Reply != c.reserved || got.Input > got.Tokens-got.Reply || got.Ratio != 1 {
				t.Errorf("the record says %+v", got)
			}
		})
	}
}

// TestFit_neverCutsTheMessage checks that a message that cannot fit is refused with the numbers, and
// that the model is not asked.
//
// beyond: context
func TestFit_neverCutsTheMessage(t *testing.T) {
	const tooLong = 2600 // tokens as they are estimated; at the least ratio these are more than 1000
	for name, c := range map[string]struct {
		tokens       int64
		limit        int
		message      int
		input, takes string
	}{
		"the model cannot take it":        {tokens: 1000, message: tooLong, input: "2608", takes: "the model takes 1000"},
		"more than the limit":             {limit: 1000, message: 800, input: "808", takes: "limits.context_tokens is 1000"},
		"the limit is the smaller":        {tokens: 100000, limit: 1000, message: 800, input: "808", takes: "limits.context_tokens is 1000"},
		"the model's size is the smaller": {tokens: 1000, limit: 1100, message: tooLong, input: "2608", takes: "the model takes 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{history: conversation(1)}, &sized{tokens: c.tokens}
			_, err := bounded(s, m, func(p *Parts) { p.Limits.ContextTokens = c.limit }).Chat(t.Context(), Request{ConversationID: "c", Message: long(c.message)}, nil)
			e := wantClass(t, err, fault.ContextTooLong)
			if want := "message: has about " + c.input + " tokens with the system prompt and the tools, as the host estimates, and " + c.takes + ", with 250 for the reply; expected a shorter message"; e.Party != fault.PartyCaller || e.ForCallers() != want {
				t.Errorf("the error is %q of %s, want %q", e.ForCallers(), e.Party, want)
			}
			if len(m.seen) != 0 {
				t.Error("the model was asked")
			}
			if r := keptRecord(t, s); r.Context == nil || fmt.Sprint(r.Context.Input) != c.input {
				t.Errorf("the record says %+v", r.Context)
			}
		})
	}
	// A fallback with a larger context takes it.
	m, large := &sized{tokens: 1000}, &sized{tokens: 10000}
	reply, err := fallingBack(&logStorage{}, m, large, func(p *Parts) { p.Limits.MessageBytes = 1 << 20 }).
		Chat(t.Context(), Request{ConversationID: "c", Message: long(tooLong)}, nil)
	if err != nil || reply.Text != "ok" || len(m.seen) != 0 || len(large.seen) != 1 {
		t.Errorf("%+v, %v", reply, err)
	}
}

// TestFit_newMessagesByTheEstimate checks that new messages are not refused because the estimate says
// that they are too long, whatever other requests of the bot were billed: they are sent without earlier
// messages, and the provider decides.
func TestFit_newMessagesByTheEstimate(t *testing.T) {
	pictures := make([]chat.Part, 4)
	for i := range pictures {
		pictures[i] = chat.Part{Media: &chat.Media{Kind: chat.Image, MediaType: "image/png", Data: []byte("png")}}
	}
	for name, c := range map[string]struct {
		ratio float64
		limit int
		req   Request
	}{
		"near the context":                {ratio: 1, req: Request{Message: long(800)}},
		"others sent base64":              {ratio: maxRatio, req: Request{Message: long(600)}},
		"others sent base64, and a limit": {ratio: maxRatio, limit: 900, req: Request{Message: long(600)}},
		"media may have few tokens":       {ratio: 1, req: Request{Messages: []chat.Message{{Role: chat.User, Parts: pictures}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := &logStorage{history: conversation(2)}, &sized{tokens: 1000}
			b := bounded(s, m, func(p *Parts) { p.Limits.ContextTokens = c.limit })
			b.ratios[0].observe(int64(c.ratio*1000), 1000)
			c.req.ConversationID = "c"
			if _, err := b.Chat(t.Context(), c.req, nil); err != nil {
				t.Fatal(err)
			}
			if len(m.seen) != 1 || len(m.seen[0]) != 1 {
				t.Errorf("the model was shown %d requests, the first with %q", len(m.seen), beginnings(m.seen[0]))
			}
			if r := keptRecord(t, s); r.Context == nil || r.Context.LeftOut != 4 {
				t.Errorf("the record is %s", s.last(t).Record)
			}
		})
	}
	m := &sized{tokens: 1000, most: -1}
	_, err := bounded(&logStorage{}, m).Chat(t.Context(), Request{ConversationID: "c", Message: long(800)}, nil)
	if e := wantClass(t, err, fault.ContextTooLong); e.Origin != fault.OriginModel || len(m.seen) != 1 {
		t.Errorf("asked %d times: %v", len(m.seen), e)
	}
}

// TestFit_openCalls checks that a call stays before its result although its turn does not fit, and that
// no turn is cut between a call and its result.
func TestFit_openCalls(t *testing.T) {
	log := append(conversation(2), chat.Text(chat.User, long(300)), callsTools("1"))
	s, m := &logStorage{history: log}, &sized{tokens: 300}
	req := Request{ConversationID: "c", Messages: []chat.Message{toolResult("1")}}
	if _, err := bounded(s, m).Chat(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	if got := m.seen[0]; len(got) != 2 || len(toolCallsOf(got[0].Parts)) != 1 || got[1].Parts[0].ToolResult == nil {
		t.Errorf("the model was shown %+v", got)
	}
	messages := []chat.Message{chat.Text(chat.User, "u"), callsTools("1"), toolResult("1"), chat.Text(chat.Assistant, long(100)), chat.Text(chat.User, "v"), chat.Text(chat.Assistant, "w")}
	for tokens, want := range map[float64]int{10000: 0, 120: 4, 12: 4, 5: 6} {
		if first, _ := newestTurns(messages, tokens, false); first != want {
			t.Errorf("of %v tokens the first message is %d, want %d", tokens, first, want)
		}
	}
}

// TestFit_partsThatTheModelDoesNotTake checks that the number of stored messages that were left out is
// right although the model is shown nothing of some of them.
func TestFit_partsThatTheModelDoesNotTake(t *testing.T) {
	log := conversation(5)
	hidden := chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: long(500)}}}}
	log = append(log[:9:9], hidden, log[9])
	s, m := &logStorage{history: log}, &sized{tokens: 600}
	if _, err := bounded(s, m).Chat(t.Context(), hi, nil); err != nil {
		t.Fatal(err)
	}
	if got := beginnings(m.seen[0]); got != "q03 a03 q04 a04 hi" {
		t.Errorf("shown %q", got)
	}
	r := keptRecord(t, s)
	if r.Recalled != 5 || r.Context.LeftOut != 6 || r.Replaced == nil || r.Replaced.Reasoning != 1 {
		t.Errorf("the record is %s", s.last(t).Record)
	}
}

// TestAsksShorter checks that a conversation which the provider refuses as too long is asked again with
// fewer turns, a bounded number of times.
//
// beyond: asked again with fewer turns
func TestAsksShorter(t *testing.T) {
	for name, c := range map[string]struct {
		tokens int64
		most   int
		asked  int
		fails  bool
	}{
		"nobody knew the size":      {most: 9, asked: 3}, // of 33 messages: 33, 17, 9 or fewer
		"the estimate was wrong":    {tokens: 2200, most: 9, asked: 2},
		"only the new messages fit": {most: 1, asked: 1 + maxContextCuts},
		"not even these fit":        {most: -1, asked: 1 + maxContextCuts, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := &sized{tokens: c.tokens, most: c.most}
			s := &logStorage{history: conversation(16)}
			_, err := bounded(s, m).Chat(t.Context(), hi, nil)
			if (err != nil) != c.fails || len(m.seen) != c.asked {
				t.Fatalf("asked %d times, want %d: %v", len(m.seen), c.asked, err)
			}
			last := m.seen[len(m.seen)-1]
			r := keptRecord(t, s)
			if r.Context == nil || r.Context.Refused != c.asked-1 || r.Recalled != len(last)-1 || r.Context.LeftOut != 32-r.Recalled {
				t.Errorf("the record is %s, and %d messages were shown", s.last(t).Record, len(last))
			}
		})
	}
	// Calls stay with their results, which are the new messages.
	s, open := &logStorage{history: append(conversation(40), chat.Text(chat.User, "u"), callsTools("1"))}, &sized{most: 2}
	if _, err := bounded(s, open).Chat(t.Context(), Request{ConversationID: "c", Messages: []chat.Message{toolResult("1")}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := open.seen[len(open.seen)-1]; len(toolCallsOf(got[0].Parts)) != 1 || got[1].Parts[0].ToolResult == nil {
		t.Errorf("the model was shown %+v", got)
	}
	m := &sized{most: 1}
	_, err := bounded(&logStorage{}, m, func(p *Parts) { p.Prompts = prompt.Set{System: prompt.Literal("s")} }).Chat(t.Context(), hi, nil)
	if wantClass(t, err, fault.ContextTooLong); len(m.seen) != 1 {
		t.Errorf("asked %d times without anything to leave out", len(m.seen))
	}
}

// askedMemory is a memory that records what it was asked.
type askedMemory struct{ req *memory.RecallRequest }

func (*askedMemory) Needs() memory.Needs { return memory.Needs{Recall: true} }

func (m *askedMemory) Recall(_ context.Context, r *memory.RecallRequest) (*memory.Recalled, error) {
	m.req = r
	return &memory.Recalled{}, nil
}

// TestRecallBudget checks that a memory is told how many tokens it may recall.
func TestRecallBudget(t *testing.T) {
	for tokens, want := range map[int64]int64{0: 0, 1000: 1000 - 250 - 4 - 0, 4: 1} {
		mem := &askedMemory{}
		_, _ = bounded(&logStorage{}, &sized{tokens: tokens}, func(p *Parts) { p.Memory = mem }).Chat(t.Context(), hi, nil)
		if mem.req == nil || mem.req.BudgetTokens != want && mem.req.BudgetTokens != want-1 {
			t.Errorf("of %d tokens the memory may recall %+v, want %d", tokens, mem.req, want)
		}
	}
}
