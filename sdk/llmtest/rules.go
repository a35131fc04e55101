package llmtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/llm"
)

var rules = []Rule{
	{
		Name:  "stream",
		Doc:   "A reply is the sum of its pieces, which come one at a time and none after the end.",
		Check: func(ctx context.Context, env *Env) error { return env.converse(ctx, "Hello there.") },
	},
	{
		Name:  "parts",
		Doc:   "A reply has only parts that a reply may have, within their bounds, and states of its own maker.",
		Check: checkParts,
	},
	{
		Name:  "usage",
		Doc:   "Usage is counted from zero up, a part is never more than its whole, and its details keep their bounds.",
		Check: checkUsage,
	},
	{
		Name:  "concurrent",
		Doc:   "Calls at the same time do not mix.",
		Check: checkConcurrent,
	},
	{
		Name:  "cancel",
		Doc:   "When its caller is gone, Chat returns promptly and says so.",
		Check: checkCancel,
	},
	{
		Name:  "emit-error",
		Doc:   "An error from emit ends the generation: Chat fails promptly and emits no more.",
		Check: checkEmitError,
	},
	{
		Name:  "classified",
		Doc:   "A failure has its class.",
		Check: checkClassified,
	},
	{
		Name:  "unknown-fields",
		Doc:   "Fields of a later version, in a message and in all that is in it, are no error.",
		Check: checkUnknownFields,
	},
	{
		Name:  "refuses-unknown-parts",
		Doc:   "A part of a kind that the LLM does not know is refused with its path, and not left out.",
		Check: checkRefusesUnknownParts,
	},
	{
		Name:  "refuses-media",
		Doc:   "Media that the traits do not list are refused with their path.",
		Check: checkRefusesMedia,
	},
	{
		Name:  "refuses-tools",
		Doc:   "Tools are refused by an LLM whose traits say that it takes none, and text arguments where it takes no such tools.",
		Check: checkRefusesTools,
	},
	{
		Name:  "refuses-tool-choice",
		Doc:   "A tool choice and a choice of parallel calls that the traits exclude are refused.",
		Check: checkRefusesToolChoice,
	},
	{
		Name:  "refuses-formats",
		Doc:   "Response formats that the traits exclude are refused.",
		Check: checkRefusesFormats,
	},
	{
		Name:  "refuses-reasoning",
		Doc:   "Reasoning is refused with its path by an LLM whose traits say that it takes none.",
		Check: checkRefusesReasoning,
	},
	{
		Name:  "can-call-tools",
		Doc:   "If the traits say that the model calls tools, its calls can be made, it takes their results, and it calls none if it must not.",
		Check: checkCallsTools,
	},
	{
		Name:  "can-see-images",
		Doc:   "If the traits say that the model takes images as bytes, it answers to one.",
		Check: checkSeesImages,
	},
	{
		Name:  "can-keep-formats",
		Doc:   "If the traits say that the model keeps a response format, the text of its reply has this form and nothing else.",
		Check: checkKeepsFormats,
	},
	{
		Name:  "can-take-reasoning",
		Doc:   "If the traits say that the model takes back reasoning, it answers to a conversation that has some.",
		Check: checkTakesReasoning,
	},
	{
		Name:  "can-embed",
		Doc:   "If the traits say that the instance embeds texts, it does, with vectors of the length that they say; else it says that it cannot.",
		Check: checkEmbeds,
	},
	{
		Name:  "overrides",
		Doc:   "An override of a key that may not be overridden is refused with its path.",
		Check: checkOverrides,
	},
	{
		Name:  "check",
		Doc:   conformance.CheckDoc,
		Check: checkCheck,
	},
	{
		Name:  "embed",
		Doc:   "Each text gets its vector, all of one length, and equal texts get equal ones.",
		Check: checkEmbed,
	},
}

func request(text string) *llm.Request {
	return &llm.Request{
		Call:     sdk.Call{Tenant: "kit", Conversation: "c", User: "u"},
		Messages: []chat.Message{chat.Text(chat.System, "Answer in one short sentence."), chat.Text(chat.User, text)},
	}
}

// converse makes one generation and returns an error if the generation fails or its reply is wrong.
func (e *Env) converse(ctx context.Context, text string) error {
	req := request(text)
	h, finish, err := e.chat(ctx, e.LLM, req, nil)
	if err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	time.Sleep(lateness)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.wrong != nil:
		return h.wrong
	case finish == nil:
		return errors.New("chat returned neither finish nor error")
	case h.text.Len() == 0:
		return errors.New("the reply is empty")
	case e.expect != nil && h.text.String() != e.expect(req):
		return fmt.Errorf("the reply to %q is %q; want %q", text, h.text.String(), e.expect(req))
	}
	return nil
}

func checkUsage(ctx context.Context, env *Env) error {
	h, finish, err := env.chat(ctx, env.LLM, request("Say something."), nil)
	if err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	if finish == nil {
		return errors.New("chat returned no finish")
	}
	for _, u := range append(h.usage, finish.Usage) {
		if u.CachedInputTokens < 0 || u.CacheWriteTokens < 0 || u.CachedInputTokens+u.CacheWriteTokens > u.InputTokens ||
			u.ReasoningTokens < 0 || u.ReasoningTokens > u.OutputTokens || !u.Equal(u.Bounded()) {
			return fmt.Errorf("the usage is %+v", u)
		}
	}
	return nil
}

func checkConcurrent(ctx context.Context, env *Env) error {
	const calls = 16
	errs := make(chan error, calls)
	for i := range calls {
		go func() { errs <- env.converse(ctx, fmt.Sprintf("This is caller number %d.", i)) }()
	}
	all := make([]error, calls)
	for i := range all {
		all[i] = <-errs
	}
	return errors.Join(all...)
}

func checkCancel(ctx context.Context, env *Env) error {
	gone, cancel := context.WithCancel(ctx)
	cancel()
	start := time.Now()
	_, _, err := env.chat(gone, env.LLM, request("Hello."), nil)
	if err := env.gaveUp("chat with a caller that is gone", start, err); err != nil {
		return err
	}
	gone, cancel = context.WithCancel(ctx)
	defer cancel()
	timer := time.AfterFunc(300*time.Millisecond, cancel)
	defer timer.Stop()
	start = time.Now().Add(300 * time.Millisecond)
	_, _, err = env.chat(gone, env.LLM, request(env.prompt), nil)
	if err == nil && gone.Err() == nil {
		return nil // the reply was complete before it could be canceled
	}
	return env.gaveUp("chat whose caller goes away", start, err)
}

func (e *Env) gaveUp(what string, since time.Time, err error) error {
	if took := time.Since(since); took > e.prompts {
		return fmt.Errorf("%s: returned after %v; want at most %v", what, took, e.prompts)
	}
	if !fault.Is(err, fault.Canceled) {
		return fmt.Errorf("%s: error %v; want one of class %s", what, err, fault.Canceled)
	}
	return nil
}

func checkEmitError(ctx context.Context, env *Env) error {
	calls := 0
	var since time.Time
	_, _, err := env.chat(ctx, env.LLM, request(env.prompt), func() error {
		if calls++; calls == 1 {
			since = time.Now()
		}
		return fault.New(fault.Canceled, "nobody listens")
	})
	switch took := time.Since(since); {
	case err == nil:
		return errors.New("chat succeeded though emit failed")
	case calls != 1:
		return fmt.Errorf("emit was called %d times; want once, as it failed", calls)
	case took > env.prompts:
		return fmt.Errorf("chat returned %v after emit failed; want at most %v", took, env.prompts)
	}
	return nil
}

func checkClassified(ctx context.Context, env *Env) error {
	if env.failing == nil {
		return ErrSkip
	}
	m, err := env.failing(ctx)
	if err != nil {
		return fmt.Errorf("open the failing llm: %w", err)
	}
	_, _, err = env.chat(ctx, m, request("Hello."), nil)
	var classified *fault.Error
	switch {
	case err == nil:
		err = errors.New("chat succeeded though everything is wrong")
	case !errors.As(err, &classified):
		err = fmt.Errorf("the error is no fault.Error: %w", err)
	case classified.Class != env.class:
		err = fmt.Errorf("the error has class %s, not %s: %w", classified.Class, env.class, err)
	default:
		err = nil
	}
	return errors.Join(err, conformance.Close(m))
}

func checkCheck(ctx context.Context, env *Env) error {
	works := env.converse(ctx, "Hello there.") == nil
	return conformance.CheckChecker(ctx, env.LLM, conformance.Checked{Prompt: env.prompts, Works: works})
}

func checkEmbed(ctx context.Context, env *Env) error {
	m, ok := env.LLM.(llm.Embedder)
	if !ok {
		return ErrSkip
	}
	texts := []string{"a cat", "a dog", "a cat", "Zażółć gęślą jaźń"}
	got, err := m.Embed(ctx, &llm.EmbedRequest{Call: sdk.Call{Tenant: "kit"}, Texts: texts})
	if err != nil {
		return fmt.Errorf("embed: %w", err)
	}
	if len(got.Vectors) != len(texts) {
		return fmt.Errorf("%d texts got %d vectors", len(texts), len(got.Vectors))
	}
	for i, v := range got.Vectors {
		if len(v) == 0 || len(v) != len(got.Vectors[0]) {
			return fmt.Errorf("vector %d has length %d, the first %d", i, len(v), len(got.Vectors[0]))
		}
	}
	if a, b := fmt.Sprintf("%.3g", got.Vectors[0]), fmt.Sprintf("%.3g", got.Vectors[2]); a != b {
		return errors.New("the same text got two different vectors")
	}
	return nil
}
