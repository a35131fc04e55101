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

// heard records the pieces that one call of Chat emitted, and what was wrong with them. Any number of
// goroutines may call hear.
type heard struct {
	mu    sync.Mutex      // guards all fields
	text  strings.Builder // the text of the reply
	reply llm.Joiner      // the parts of the reply
	usage []chat.Usage    // the usage of each piece
	over  bool            // Chat has returned
	wrong error           // a piece came after the end, or at the same time as another one
	part  error           // a piece that no reply may have
}

// lateness is how long a rule waits for pieces that Chat may emit after it has returned.
const lateness = 20 * time.Millisecond

// hear records a piece. It also records an error if Chat has returned already, or if another piece
// is emitted at the same time.
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
	if err := d.Check(); err != nil {
		h.part = err
	}
	h.text.WriteString(d.Text)
	h.reply.Add(&d)
	h.usage = append(h.usage, d.Usage)
	runtime.Gosched() // let another goroutine emit at the same time
	return nil
}

// chat calls Chat of m and records the pieces. After each piece it calls also, whose error becomes that
// of emit. also may be nil.
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
