package memorytest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/memory"
)

// recaller is a memory that stores all turns and recalls the newest four turns. With a flaw, it
// breaks a rule.
type recaller struct {
	flaw string

	mu    sync.Mutex
	needs int
	kept  map[sdk.Call][]memory.Turn
}

func newRecaller(flaw string) *recaller {
	return &recaller{flaw: flaw, kept: map[sdk.Call][]memory.Turn{}}
}

func (r *recaller) Needs() memory.Needs {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := memory.Needs{Tail: 4, Recall: true, Remember: true}
	if r.needs++; r.flaw == "fickle" && r.needs <= 9 { // the rule "needs" makes the first 9 calls
		n.Tail += r.needs
	}
	return n
}

// place returns what a conversation's turns are kept under.
func (r *recaller) place(call sdk.Call) sdk.Call {
	if r.flaw == "crosses" {
		// Only the tenants of the rule "apart" share their data.
		if tenant, _, shared := strings.Cut(call.Tenant, "-apart-"); shared {
			return sdk.Call{Tenant: tenant, Conversation: call.Conversation}
		}
	}
	return sdk.Call{Tenant: call.Tenant, Incarnation: call.Incarnation, Conversation: call.Conversation, ConversationIncarnation: call.ConversationIncarnation}
}

func (r *recaller) Recall(_ context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.kept[r.place(req.Call)]
	out := &memory.Recalled{}
	add := func(t memory.Turn) {
		for _, m := range t.Messages {
			out.Items = append(out.Items, memory.Item{Message: m, Turn: &memory.TurnSource{Sequence: t.Sequence, Number: t.Number}})
		}
	}
	for _, t := range old[max(0, len(old)-4):] {
		if len(req.Tail) > 0 && t.Sequence >= req.Tail[0].Sequence {
			break // this turn and the later turns are in the tail
		}
		add(t)
	}
	for _, t := range req.Tail {
		add(t)
	}
	if r.flaw == "invents" && len(req.Tail) > 0 {
		out.Items = append(out.Items, memory.Item{Message: req.Messages[0]})
	}
	return out, nil
}

func (r *recaller) Remember(_ context.Context, req *memory.RememberRequest) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, last := r.place(req.Call), req.After
	for _, e := range req.Events {
		last = e.Sequence()
		if have := r.kept[at]; len(have) == 0 || e.Turn.Sequence > have[len(have)-1].Sequence || r.flaw == "repeats" {
			r.kept[at] = append(have, *e.Turn)
		}
	}
	return last, nil
}

func (r *recaller) Forget(_ context.Context, call sdk.Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at, turns := range r.kept {
		mine := at.Tenant == call.Tenant && at.Incarnation == call.Incarnation
		if call.Conversation != "" && r.flaw != "forgets-all" {
			mine = mine && at.ConversationIncarnation == call.ConversationIncarnation
		}
		if mine && r.flaw != "never-forgets" {
			r.kept[at] = slices.DeleteFunc(slices.Clone(turns), func(t memory.Turn) bool { return call.User == "" || t.User == call.User })
		}
	}
	return nil
}

// window is a memory that needs a tail and no calls of Recall. Its Recall leaves out the oldest
// messages of the tail, as many as short says.
type window struct{ short int }

func (window) Needs() memory.Needs { return memory.Needs{Tail: 7} }

func (w window) Recall(_ context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	out, all := &memory.Recalled{}, memory.Messages(req.Tail)
	for _, m := range all[min(w.short, len(all)):] {
		out.Items = append(out.Items, memory.Item{Message: m})
	}
	return out, nil
}

func failed(t *testing.T, m memory.Memory) (rules []string) {
	t.Helper()
	err := Test(t.Context(), func(context.Context) (memory.Memory, error) { return m, nil })
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, err := range joined.Unwrap() {
		t.Log(err)
		var f *Failure
		if !errors.As(err, &f) {
			t.Fatalf("not a failure: %v", err)
		}
		rules = append(rules, f.Rule.Name)
	}
	return rules
}

func TestTest_soundMemories(t *testing.T) {
	for _, m := range []memory.Memory{newRecaller(""), window{}} {
		if wrong := failed(t, m); wrong != nil {
			t.Errorf("%T fails %q", m, wrong)
		}
	}
}

func TestRules_canFail(t *testing.T) {
	type flaw struct {
		flaw   string
		broken memory.Memory
		rule   string
	}
	flaws := []flaw{
		{"fickle", newRecaller("fickle"), "needs"},
		{"invents", newRecaller("invents"), "recall"},
		{"crosses", newRecaller("crosses"), "apart"},
		{"repeats", newRecaller("repeats"), "remember-repeat"},
		{"never forgets", newRecaller("never-forgets"), "forget"},
		{"forgets all", newRecaller("forgets-all"), "forget"},
		{"keeps back", window{short: 1}, "tail-alone"},
	}
	for _, f := range flaws {
		t.Run(f.flaw, func(t *testing.T) {
			if wrong := failed(t, f.broken); !slices.Equal(wrong, []string{f.rule}) {
				t.Errorf("rules that fail: %q; want only %q", wrong, f.rule)
			}
		})
	}
	for _, r := range Rules() {
		if !slices.ContainsFunc(flaws, func(f flaw) bool { return f.rule == r.Name }) {
			t.Errorf("nothing shows that the rule %q can fail", r.Name)
		}
	}
}
