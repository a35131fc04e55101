package echo

import (
	"context"
	"os"
	"strings"
	"sync/atomic"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// never is the count of tokens that no reply reaches.
const never = -1

// exitStatus tells a crash that was asked for from others.
const exitStatus = 3

// Echo is one configured instance. It keeps nothing of what it is shown, only the
// number of calls, for fail.times.
type Echo struct {
	config     Config
	hangAfter  int
	crashAfter int
	calls      atomic.Int64
	exit       func(int) // os.Exit, but for tests
}

var (
	_ llm.LLM      = (*Echo)(nil)
	_ llm.Embedder = (*Echo)(nil)
)

// New makes an instance, or says with fault.Invalid what is wrong with cfg.
func New(cfg Config) (*Echo, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Model == "" {
		cfg.Model = Name
	}
	return &Echo{
		config: cfg, hangAfter: orNever(cfg.HangAfterTokens), crashAfter: orNever(cfg.CrashAfterTokens),
		exit: os.Exit,
	}, nil
}

func orNever(n *int) int {
	if n == nil || *n < 0 {
		return never
	}
	return *n
}

// Chat implements llm.LLM. Without streaming it takes the same time and ends the
// same way, and emits the whole reply at the end.
func (e *Echo) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	var whole strings.Builder
	relay := emit
	if !req.Stream {
		relay = func(d llm.Delta) error { whole.WriteString(d.Text); return nil }
	}
	finish := &llm.Finish{Model: e.config.Model, Usage: chat.Usage{InputTokens: countMessages(req.Messages)}}
	err := e.generate(ctx, req, finish, relay)
	if err == nil && !req.Stream && whole.Len() > 0 {
		err = emit(llm.Delta{Text: whole.String()})
	}
	return finish, err
}

func (e *Echo) generate(ctx context.Context, req *llm.Request, finish *llm.Finish, emit func(llm.Delta) error) error {
	failAfter := never
	if f := e.config.Fail; f != nil && (f.Times == 0 || e.calls.Add(1) <= int64(f.Times)) {
		failAfter = f.AfterTokens
	}
	pace := pace{first: milliseconds(e.config.FirstTokenDelayMS), next: milliseconds(e.config.TokenDelayMS)}
	defer pace.stop()

	source := e.tokens(req.Messages)
	limit := req.MaxOutputTokens
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
			break
		}
		if err := pace.wait(ctx); err != nil {
			return err
		}
		finish.Usage.OutputTokens = int64(n + 1)
		if err := emit(llm.Delta{Text: source.next(), Usage: finish.Usage}); err != nil {
			return err
		}
	}
	if failAfter > int(finish.Usage.OutputTokens) {
		return e.config.Fail.fault()
	}
	return nil
}
