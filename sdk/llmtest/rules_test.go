package llmtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

const long = "take your time"

// parrot is an LLM that repeats the last message word by word. With a flaw, it breaks a rule.
type parrot struct {
	flaw string

	mu    sync.Mutex
	last  string // the newest message of all calls; used by the flaw "mixes" only
	calls sync.WaitGroup
}

func said(req *llm.Request) string { return req.Messages[len(req.Messages)-1].Text() }

func (p *parrot) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	reply := said(req)
	if p.flaw == "mixes" {
		p.mu.Lock()
		p.last = reply
		p.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		p.mu.Lock()
		reply = p.last
		p.mu.Unlock()
	}
	pieces := strings.SplitAfter(reply, " ")
	if said(req) == long {
		pieces = slices.Repeat(pieces, 400)
	}
	switch {
	case !req.Stream && p.flaw == "cuts":
		pieces = pieces[:1]
	case !req.Stream && said(req) != long:
		pieces = []string{reply}
	case req.Stream && p.flaw == "late" && len(pieces) > 1 && said(req) != long:
		last := pieces[len(pieces)-1]
		pieces = pieces[:len(pieces)-1]
		p.calls.Go(func() {
			time.Sleep(lateness / 4)
			_ = emit(llm.Delta{Text: last})
		})
	}
	for _, piece := range pieces {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			if p.flaw != "deaf" {
				if p.flaw == "vague" {
					return nil, errors.New("something happened")
				}
				return nil, ctx.Err()
			}
		}
		if err := emit(llm.Delta{Text: piece}); err != nil && p.flaw != "stubborn" {
			return nil, err
		}
	}
	f := &llm.Finish{Reason: llm.FinishStop, Usage: chat.Usage{InputTokens: 3, OutputTokens: 2}}
	if p.flaw == "miscounts" {
		f.Usage.CachedInputTokens = 4
	}
	return f, nil
}

func (p *parrot) Embed(_ context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	out := &llm.Embeddings{}
	for i, text := range req.Texts {
		v := []float32{float32(len(text)), 1}
		if p.flaw == "ragged" {
			v = append(v, make([]float32, i)...)
		}
		out.Vectors = append(out.Vectors, v)
	}
	return out, nil
}

// refusing is an LLM whose every Chat fails with err.
type refusing struct{ err error }

func (r refusing) Chat(context.Context, *llm.Request, func(llm.Delta) error) (*llm.Finish, error) {
	return nil, r.err
}

func failed(t *testing.T, flaw string, refusal error) (rules []string) {
	t.Helper()
	p := &parrot{flaw: flaw}
	defer p.calls.Wait()
	prompt := time.Minute
	if flaw == "deaf" { // the flaw ignores canceling, and the long reply takes more than 100 ms
		prompt = 100 * time.Millisecond
	}
	err := Test(t.Context(), func(context.Context) (llm.LLM, error) { return p, nil },
		Expect(said), LongPrompt(long), Prompt(prompt),
		Fails(func(context.Context) (llm.LLM, error) { return refusing{refusal}, nil }, fault.Unauthenticated))
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

func TestRules_canFail(t *testing.T) {
	refusal := fault.New(fault.Unauthenticated, "the key is wrong")
	if wrong := failed(t, "", refusal); wrong != nil {
		t.Errorf("the parrot fails %q", wrong)
	}
	flaws := []struct {
		flaw    string
		refusal error
		rules   []string
	}{
		{"late", refusal, []string{"stream", "concurrent"}}, // both rules use streaming
		{"cuts", refusal, []string{"whole", "concurrent"}},  // both rules call Chat without streaming
		{"miscounts", refusal, []string{"usage"}},
		{"mixes", refusal, []string{"concurrent"}},
		{"deaf", refusal, []string{"cancel"}},
		{"vague", refusal, []string{"cancel"}},
		{"stubborn", refusal, []string{"emit-error"}},
		{"ragged", refusal, []string{"embed"}},
		{"", errors.New("401"), []string{"classified"}},
		{"", fault.New(fault.Internal, "401"), []string{"classified"}},
	}
	seen := map[string]bool{}
	for _, f := range flaws {
		t.Run(f.flaw, func(t *testing.T) {
			if wrong := failed(t, f.flaw, f.refusal); !slices.Equal(wrong, f.rules) {
				t.Errorf("rules that fail: %q; want %q", wrong, f.rules)
			}
		})
		for _, r := range f.rules {
			seen[r] = true
		}
	}
	for _, r := range Rules() {
		if !seen[r.Name] {
			t.Errorf("nothing shows that the rule %q can fail", r.Name)
		}
	}
}
