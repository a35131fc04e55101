package echo

import (
	"context"
	"os"
	"sync/atomic"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/schema"
)

// never is a number of tokens that no reply reaches.
const never = -1

// exitStatus is the exit status of a crash that crash_after_tokens caused. Other crashes have another
// status.
const exitStatus = 3

// Echo is one configured instance of the plugin. It stores no messages. It only counts its calls, for the
// key fail.times. Its methods may be called concurrently.
type Echo struct {
	config     Config
	traits     sdk.LLMTraits
	parts      []chat.Part // reply_parts
	hangAfter  int
	crashAfter int
	calls      atomic.Int64
	exit       func(int) // os.Exit; tests replace it
}

var (
	_ llm.LLM          = (*Echo)(nil)
	_ llm.Embedder     = (*Echo)(nil)
	_ sdk.LLMDescriber = (*Echo)(nil)
	_ sdk.Checker      = (*Echo)(nil)
)

// New returns an instance for cfg. If cfg is invalid, New returns an error of class fault.Invalid.
func New(cfg Config) (*Echo, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Model == "" {
		cfg.Model = Name
	}
	if cfg.EmbeddingDimensions == 0 {
		cfg.EmbeddingDimensions = defaultDimensions
	}
	parts, err := cfg.replyParts()
	if err != nil {
		return nil, err
	}
	return &Echo{
		config: cfg, traits: cfg.traits(), parts: parts, hangAfter: orNever(cfg.HangAfterTokens), crashAfter: orNever(cfg.CrashAfterTokens),
		exit: os.Exit,
	}, nil
}

func orNever(n *int) int {
	if n == nil || *n < 0 {
		return never
	}
	return *n
}

// Chat implements llm.LLM.
func (e *Echo) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	if err := llm.CheckRequest(req, e.traits); err != nil {
		return nil, err
	}
	cfg, err := schema.Override(e.config, req.Overrides)
	if err != nil {
		return nil, err
	}
	source, err := e.tokens(&cfg, req)
	if err != nil {
		return nil, err
	}
	finish := &llm.Finish{Model: cfg.Model, Usage: chat.Usage{InputTokens: countMessages(req.Messages)}}
	return finish, e.generate(ctx, &source, req.MaxOutputTokens, finish, emit)
}

// generate emits the tokens of a reply, and counts them in finish. It emits at most limit tokens, or
// all if limit is 0.
func (e *Echo) generate(ctx context.Context, source *tokens, limit int, finish *llm.Finish, emit func(llm.Delta) error) error {
	failAfter := never
	if f := e.config.Fail; f != nil && (f.Times == 0 || e.calls.Add(1) <= int64(f.Times)) {
		failAfter = f.AfterTokens
	}
	pace := pace{first: milliseconds(e.config.FirstTokenDelayMS), next: milliseconds(e.config.TokenDelayMS)}
	defer pace.stop()

	for n := 0; ; n++ {
		if e.crashAfter == n {
			e.exit(exitStatus)
		}
		if e.hangAfter == n {
			<-ctx.Done()
		}
		if err := ctx.Err(); err != nil {
			return fault.Of(err)
		}
		if failAfter == n {
			return e.config.Fail.fault()
		}
		if limit > 0 && n == limit && source.more() {
			finish.Reason = llm.FinishLength
			break
		}
		if !source.more() {
			finish.Reason = llm.FinishStop
			if source.calls {
				finish.Reason = llm.FinishToolCalls
			}
			break
		}
		if err := pace.wait(ctx); err != nil {
			return err
		}
		finish.Usage.OutputTokens = int64(n + 1)
		piece := source.next()
		if piece.Reasoning != nil {
			finish.Usage.ReasoningTokens++
		}
		piece.Usage = finish.Usage
		if err := emit(piece); err != nil {
			return err
		}
	}
	if failAfter > int(finish.Usage.OutputTokens) {
		return e.config.Fail.fault()
	}
	return nil
}
