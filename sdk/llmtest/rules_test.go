package llmtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
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
	if err := p.refuse(req); err != nil {
		return nil, err
	}
	if call := p.call(req); call != nil {
		if err := emit(llm.ToolCall(*call)); err != nil {
			return nil, err
		}
		finish := &llm.Finish{Reason: llm.FinishToolCalls}
		if p.flaw == "stops with a call" {
			finish.Reason = llm.FinishStop
		}
		return finish, nil
	}
	reply = p.form(req, reply)
	pieces := strings.SplitAfter(reply, " ")
	if said(req) == long {
		pieces = slices.Repeat(pieces, 400)
	} else if p.flaw == "late" && len(pieces) > 1 {
		last := pieces[len(pieces)-1]
		pieces = pieces[:len(pieces)-1]
		p.calls.Go(func() {
			time.Sleep(lateness / 4)
			_ = emit(llm.Text(last))
		})
	}
	switch {
	case said(req) != "Please reply.":
	case p.flaw == "foreign state":
		_ = emit(llm.Delta{Part: chat.Part{Text: "", State: &chat.ProviderState{Maker: "somebody", Data: []byte{1}}}})
	case p.flaw == "large state":
		_ = emit(llm.Delta{Part: chat.Part{Text: "", State: &chat.ProviderState{Data: make([]byte, sdk.MaxProviderStateBytes+1)}}})
	case p.flaw == "a result in the reply":
		_ = emit(llm.Delta{Part: chat.Part{ToolResult: &chat.ToolResult{}}})
	case p.flaw == "many parts":
		for range sdk.MaxReplyParts + 1 {
			_ = emit(llm.Delta{Part: chat.Part{Text: "x"}, Begins: true})
		}
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
		if err := emit(llm.Text(piece)); err != nil && p.flaw != "stubborn" {
			return nil, err
		}
	}
	f := &llm.Finish{Reason: llm.FinishStop, Usage: chat.Usage{InputTokens: 3, OutputTokens: 2}}
	switch p.flaw {
	case "miscounts":
		f.Usage.CachedInputTokens = 4
	case "miscounts writes":
		f.Usage.CachedInputTokens, f.Usage.CacheWriteTokens = 2, 2
	case "counts too much":
		f.Usage.Details = map[string]int64{strings.Repeat("x", chat.MaxUsageDetailBytes+1): 1}
	}
	return f, nil
}

// refuse refuses what the traits of a parrot exclude. A flaw lets something pass, or refuses too
// much.
func (p *parrot) refuse(req *llm.Request) error {
	t := p.LLMTraits(context.Background())
	var dropped []chat.Message
	switch p.flaw {
	case "drops media":
		t.Media = nil
	case "drops tools", "drops all tools":
		t.Tools.Calls, t.Tools.TextArguments = true, true
	case "drops tool choices":
		req = &llm.Request{Messages: req.Messages, Tools: req.Tools, Overrides: req.Overrides, ResponseFormat: req.ResponseFormat}
	case "drops formats":
		t.Formats = nil
	case "drops reasoning":
		t.Reasoning = nil
	case "drops overrides":
		req = &llm.Request{Messages: req.Messages, Tools: req.Tools, ToolChoice: req.ToolChoice, ParallelToolCalls: req.ParallelToolCalls, ResponseFormat: req.ResponseFormat}
	case "drops unknown parts":
		for _, m := range req.Messages {
			known := slices.DeleteFunc(slices.Clone(m.Parts), func(p chat.Part) bool { return p.Kind() == chat.KindUnknown })
			dropped = append(dropped, chat.Message{Role: m.Role, Parts: known})
		}
		copied := *req
		copied.Messages = dropped
		req = &copied
	case "refuses unknown fields":
		if len(req.Messages[0].Unknown) > 0 {
			return fault.New(fault.Invalid, "has unknown fields").At("messages", "0")
		}
	}
	if err := llm.CheckRequest(req, t); err != nil {
		return err
	}
	if err := p.refuseAble(req); err != nil {
		return err
	}
	_, err := schema.Override(struct{}{}, req.Overrides)
	return err
}

// LLMTraits implements sdk.LLMDescriber.
func (p *parrot) LLMTraits(context.Context) sdk.LLMTraits {
	t := sdk.LLMTraits{
		Maker: "parrot", Media: []sdk.MediaKind{{Kind: chat.Image, Sources: []string{sdk.SourceData}}},
		Tools: &sdk.ToolTraits{Calls: p.flaw != "drops all tools"}, Formats: &sdk.FormatTraits{}, Reasoning: new(bool),
		Embeddings: &sdk.EmbeddingTraits{Embeds: p.flaw != "embeds in secret", Dimensions: 2},
	}
	if p.able() {
		t.Tools = &sdk.ToolTraits{Calls: true, TextArguments: true, Required: true, Named: p.flaw != "calls when it wants"}
		t.Formats = &sdk.FormatTraits{JSONObject: true, JSONSchema: true}
		t.Reasoning = new(true)
	}
	return t
}

// Check implements sdk.Checker.
func (p *parrot) Check(ctx context.Context) error {
	switch {
	case p.flaw == "vague check":
		return errors.New("something is wrong")
	case p.flaw == "deaf check" && ctx.Err() != nil:
		time.Sleep(3 * time.Second)
	case p.flaw == "sick check":
		return fault.New(fault.NotFound, "there is no such model")
	}
	return ctx.Err()
}

func (p *parrot) Embed(_ context.Context, req *llm.EmbedRequest) (*llm.Embeddings, error) {
	out := &llm.Embeddings{}
	for i, text := range req.Texts {
		v := []float32{float32(len(text)), 1}
		if p.flaw == "embeds longer" {
			v = append(v, 1)
		}
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
	if strings.HasPrefix(flaw, "deaf") { // the flaw ignores canceling, and the long reply takes more than 100 ms
		prompt = 100 * time.Millisecond
	}
	err := Test(t.Context(), func(context.Context) (llm.LLM, error) { return p, nil },
		Expect(said), Overrides(), LongPrompt(long), Prompt(prompt),
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
	if wrong := failed(t, "able", refusal); wrong != nil {
		t.Errorf("the able parrot fails %q", wrong)
	}
	flaws := []struct {
		flaw    string
		refusal error
		rules   []string
	}{
		{"late", refusal, []string{"stream", "concurrent"}}, // both rules want all pieces of a reply
		{"foreign state", refusal, []string{"parts"}},
		{"large state", refusal, []string{"parts"}},
		{"a result in the reply", refusal, []string{"parts"}},
		{"many parts", refusal, []string{"parts"}},
		{"miscounts", refusal, []string{"usage"}},
		{"miscounts writes", refusal, []string{"usage"}},
		{"counts too much", refusal, []string{"usage"}},
		{"refuses unknown fields", refusal, []string{"unknown-fields"}},
		{"drops unknown parts", refusal, []string{"refuses-unknown-parts"}},
		{"drops media", refusal, []string{"refuses-media"}},
		{"drops tools", refusal, []string{"refuses-tools"}},
		{"drops all tools", refusal, []string{"refuses-tools"}},
		{"drops tool choices", refusal, []string{"refuses-tool-choice"}},
		{"drops formats", refusal, []string{"refuses-formats"}},
		{"drops reasoning", refusal, []string{"refuses-reasoning"}},
		{"drops overrides", refusal, []string{"overrides"}},
		{"mixes", refusal, []string{"concurrent"}},
		{"deaf", refusal, []string{"cancel"}},
		{"vague", refusal, []string{"cancel"}},
		{"vague check", refusal, []string{"check"}},
		{"deaf check", refusal, []string{"check"}},
		{"sick check", refusal, []string{"check"}},
		{"stubborn", refusal, []string{"emit-error"}},
		{"ragged", refusal, []string{"embed"}},
		{"calls another tool", refusal, []string{"can-call-tools"}},
		{"calls without id", refusal, []string{"can-call-tools"}},
		{"calls with no JSON", refusal, []string{"can-call-tools"}},
		{"calls with null", refusal, []string{"can-call-tools"}},
		{"calls nothing", refusal, []string{"can-call-tools"}},
		{"calls when it wants", refusal, []string{"can-call-tools"}},
		{"calls always", refusal, []string{"can-call-tools"}},
		{"stops with a call", refusal, []string{"can-call-tools"}},
		{"refuses results", refusal, []string{"can-call-tools"}},
		{"mute after results", refusal, []string{"can-call-tools"}},
		{"sees no images", refusal, []string{"can-see-images"}},
		{"talks around JSON", refusal, []string{"can-keep-formats"}},
		{"keeps no object", refusal, []string{"can-keep-formats"}},
		{"keeps no schema", refusal, []string{"can-keep-formats"}},
		{"refuses reasoning", refusal, []string{"can-take-reasoning"}},
		{"embeds longer", refusal, []string{"can-embed"}},
		{"embeds in secret", refusal, []string{"can-embed"}},
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
