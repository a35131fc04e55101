package llmtest

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// heard is what a Chat emitted, and how.
type heard struct {
	mu    sync.Mutex
	text  strings.Builder
	usage []chat.Usage
	over  bool
	wrong error
}

// lateness is how long a rule listens for what comes after the end.
const lateness = 20 * time.Millisecond

// hear takes a piece; after the end it only notes that one came.
func (h *heard) hear(d llm.Delta) error {
	if !h.mu.TryLock() {
		h.mu.Lock()
		h.wrong = errors.New("two pieces were emitted at once")
	}
	defer h.mu.Unlock()
	if h.over {
		h.wrong = errors.New("a piece was emitted after Chat returned")
		return h.wrong
	}
	h.text.WriteString(d.Text)
	h.usage = append(h.usage, d.Usage)
	runtime.Gosched() // gives another emitter its chance to be caught
	return nil
}

// chat runs one generation and listens; also is called for each piece.
func (e *Env) chat(ctx context.Context, m llm.LLM, req *llm.Request, also func() error) (*heard, *llm.Finish, error) {
	h := &heard{}
	finish, err := m.Chat(ctx, req, func(d llm.Delta) error {
		if err := h.hear(d); err != nil || also == nil {
			return err
		}
		return also()
	})
	h.mu.Lock()
	h.over = true
	h.mu.Unlock()
	return h, finish, err
}
