package bot

import (
	"context"
	"sync"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// funcLLM is a model that implements Chat by calling this function.
type funcLLM func(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error)

func (f funcLLM) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	return f(ctx, req, emit)
}

// says returns a model that replies with the pieces, and then returns finish and err.
func says(finish *llm.Finish, err error, pieces ...llm.Delta) funcLLM {
	return func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
		for _, d := range pieces {
			if err := emit(d); err != nil {
				return nil, err
			}
		}
		return finish, err
	}
}

// scriptLLM is a model that replies with its words and then returns err. If block is not nil,
// scriptLLM waits before it returns until block is closed or ctx ends.
type scriptLLM struct {
	mu    sync.Mutex
	seen  [][]chat.Message
	words []string
	err   error
	block chan struct{}
}

func (m *scriptLLM) Chat(ctx context.Context, r *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	m.mu.Lock()
	m.seen = append(m.seen, r.Messages)
	m.mu.Unlock()
	for i, w := range m.words {
		usage := chat.Usage{OutputTokens: int64(i + 1)}
		if err := emit(llm.Delta{Part: chat.Part{Text: w}, Usage: usage}); err != nil {
			return &llm.Finish{Usage: usage}, err
		}
	}
	spent := &llm.Finish{Usage: chat.Usage{InputTokens: 3, OutputTokens: int64(len(m.words))}, Model: "script", Reason: llm.FinishStop}
	if m.block != nil {
		select {
		case <-m.block:
		case <-ctx.Done():
			return spent, ctx.Err()
		}
	}
	return spent, m.err
}
