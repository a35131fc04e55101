package memorytest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
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
	at := sdk.Call{Tenant: call.Tenant, Incarnation: call.Incarnation, Conversation: call.Conversation, ConversationIncarnation: call.ConversationIncarnation}
	switch r.flaw {
	case "crosses":
		// Only the tenants of the rule "apart" share their data.
		if tenant, _, shared := strings.Cut(call.Tenant, "-apart-"); shared {
			at = sdk.Call{Tenant: tenant, Conversation: call.Conversation}
		}
	case "one incarnation of conversations":
		at.ConversationIncarnation = ""
	case "one incarnation of tenants":
		at.Incarnation, at.ConversationIncarnation = "", strings.TrimSuffix(at.ConversationIncarnation, "-new")
	}
	return at
}

func (r *recaller) Recall(_ context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.kept[r.place(req.Call)]
	if r.flaw != "retraction ahead" {
		for _, retracted := range req.Retractions {
			old = slices.DeleteFunc(slices.Clone(old), inside(retracted))
		}
	}
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

// inside returns a function that selects the turns which the retraction names.
func inside(r memory.Retraction) func(memory.Turn) bool {
	return func(t memory.Turn) bool { return t.Number >= r.From && t.Number <= r.To }
}

func (r *recaller) Remember(_ context.Context, req *memory.RememberRequest) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, last := r.place(req.Call), req.After
	for _, e := range req.Events {
		last = e.Sequence()
		have := r.kept[at]
		switch {
		case e.Retraction != nil && r.flaw != "retraction":
			r.kept[at] = slices.DeleteFunc(slices.Clone(have), inside(*e.Retraction))
		case e.Retraction == nil && (len(have) == 0 || e.Turn.Sequence > have[len(have)-1].Sequence || r.flaw == "repeats"):
			r.kept[at] = append(have, *e.Turn)
		}
	}
	if r.flaw == "odd sequence" && len(req.Events) > 1 {
		last-- // no event has this sequence
	}
	return last, nil
}

func (r *recaller) Forget(_ context.Context, call sdk.Call) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	place := r.place(call)
	for at, turns := range r.kept {
		mine := at.Tenant == place.Tenant && at.Incarnation == place.Incarnation
		if call.Conversation != "" && r.flaw != "forgets all" {
			mine = mine && at.ConversationIncarnation == place.ConversationIncarnation && at.Conversation == place.Conversation
		}
		if !mine || r.flaw == "never forgets" {
			continue
		}
		r.kept[at] = slices.DeleteFunc(slices.Clone(turns), func(t memory.Turn) bool {
			return call.User == "" || t.User == call.User && r.flaw != "keeps users" || r.flaw == "forgets for one user"
		})
	}
	return nil
}

// Check implements sdk.Checker.
func (r *recaller) Check(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.flaw {
	case "check forgets":
		clear(r.kept)
	case "check fails":
		return fault.New(fault.ProviderFailed, "the probe was not found")
	}
	return ctx.Err()
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
		broken memory.Memory
		rules  []string
	}
	flaws := map[string]flaw{"keeps back": {window{short: 1}, []string{"tail-alone"}}}
	for name, rules := range map[string]string{
		"fickle":                           "needs",
		"invents":                          "recall",
		"crosses":                          "apart",
		"repeats":                          "remember-repeat",
		"odd sequence":                     "remember-sequence remember-retraction",
		"retraction ahead":                 "retracted-ahead",
		"retraction":                       "remember-retraction",
		"never forgets":                    "forget forget-user reused-id",
		"forgets all":                      "forget reused-id",
		"keeps users":                      "forget forget-user",
		"forgets for one user":             "forget-user",
		"one incarnation of conversations": "reused-id",
		"one incarnation of tenants":       "reused-id",
		"check forgets":                    "check",
		"check fails":                      "check",
	} {
		flaws[name] = flaw{newRecaller(name), strings.Fields(rules)}
	}
	shown := map[string]bool{}
	for name, f := range flaws {
		t.Run(name, func(t *testing.T) {
			if wrong := failed(t, f.broken); !slices.Equal(wrong, f.rules) {
				t.Errorf("rules that fail: %q; want only %q", wrong, f.rules)
			}
		})
		for _, r := range f.rules {
			shown[r] = true
		}
	}
	for _, r := range Rules() {
		if !shown[r.Name] {
			t.Errorf("nothing shows that the rule %q can fail", r.Name)
		}
	}
}
