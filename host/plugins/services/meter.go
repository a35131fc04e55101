package services

import (
	"context"
	"sync"

	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
)

// Callback is one callback that has ended.
type Callback struct {
	Role   string
	Tokens *chatv1.Usage // nil if the nested plugin counted nothing
	Failed bool
}

// Meter adds up the callbacks of the calls that are made with its context. A nil Meter counts
// nothing.
type Meter struct {
	mu    sync.Mutex
	roles map[string]Total
}

// Total is the sum of the callbacks of one role.
type Total struct {
	Calls        int   `json:"calls"`
	Failed       int   `json:"failed,omitempty"`
	InputTokens  int64 `json:"input_tokens,omitempty"`
	OutputTokens int64 `json:"output_tokens,omitempty"`
}

type meterKey struct{}

// WithMeter returns a context with the meter.
func WithMeter(ctx context.Context, m *Meter) context.Context {
	return context.WithValue(ctx, meterKey{}, m)
}

func meterOf(ctx context.Context) *Meter {
	m, _ := ctx.Value(meterKey{}).(*Meter)
	return m
}

func (m *Meter) add(c Callback) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.roles == nil {
		m.roles = map[string]Total{}
	}
	t := m.roles[c.Role]
	t.Calls++
	if c.Failed {
		t.Failed++
	}
	t.InputTokens += int64(c.Tokens.GetInputTokens())
	t.OutputTokens += int64(c.Tokens.GetOutputTokens())
	m.roles[c.Role] = t
}

// Totals returns the sums so far, by role. It returns nil if there was no callback.
func (m *Meter) Totals() map[string]Total {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.roles) == 0 {
		return nil
	}
	out := make(map[string]Total, len(m.roles))
	for role, t := range m.roles {
		out[role] = t
	}
	return out
}
