package memorytest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
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

func (r *recaller) place(call sdk.Call) sdk.Call {
	if r.flaw == "crosses" {
		call.Tenant, _, _ = strings.Cut(call.Tenant, "-apart-") // only the tenants of the rule "apart" share their data
	}
	return sdk.Call{Tenant: call.Tenant, Conversation: call.Conversation, User: call.User}
}

func (r *recaller) Recall(_ context.Context, req *memory.RecallRequest) ([]chat.Message, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.kept[r.place(req.Call)]
	var out []chat.Message
	for _, t := range old[max(0, len(old)-4):] {
		if n := len(req.Tail); n > 0 && t.Messages[0].Text() == req.Tail[max(0, n-4)].Text() {
			break // this turn and the later turns are in the tail
		}
		out = append(out, t.Messages...)
	}
	out = append(out, req.Tail...)
	if r.flaw == "invents" && len(req.Tail) > 0 {
		out = append(out, req.Message)
	}
	return out, nil
}

func (r *recaller) Remember(_ context.Context, call sdk.Call, turns []memory.Turn) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := r.place(call)
	for _, t := range turns {
		if have := r.kept[at]; len(have) == 0 || t.Number > have[len(have)-1].Number || r.flaw == "repeats" {
			r.kept[at] = append(have, t)
		}
	}
	return nil
}

func (r *recaller) Forget(_ context.Context, call sdk.Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for at := range r.kept {
		mine := at.Tenant == call.Tenant
		switch {
		case call.Conversation != "":
			mine = mine && at.Conversation == call.Conversation
		case call.User != "" && r.flaw != "forgets-all":
			mine = mine && at.User == call.User
		}
		if mine && r.flaw != "never-forgets" {
			delete(r.kept, at)
		}
	}
	return nil
}

// window is a memory that needs a tail and no calls of Recall. Its Recall leaves out the oldest
// messages of the tail, as many as short says.
type window struct{ short int }

func (window) Needs() memory.Needs { return memory.Needs{Tail: 7} }

func (w window) Recall(_ context.Context, req *memory.RecallRequest) ([]chat.Message, error) {
	return req.Tail[min(w.short, len(req.Tail)):], nil
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
