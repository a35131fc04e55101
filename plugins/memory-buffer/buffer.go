package buffer

import (
	"context"
	"slices"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
)

// Buffer is a memory that shows the model the newest messages of a conversation.
type Buffer struct{ max int }

var (
	_ memory.Memory = (*Buffer)(nil)
	_ sdk.Checker   = (*Buffer)(nil)
)

// New returns a buffer for cfg. If cfg is invalid, New returns an error of class fault.Invalid.
func New(cfg Config) (*Buffer, error) {
	if cfg.MaxMessages < 0 || cfg.MaxMessages > memory.MaxTail {
		return nil, fault.New(fault.Invalid, "must be from 0 to %d", memory.MaxTail).
			At("max_messages").By(fault.PartyTenant)
	}
	return &Buffer{max: cfg.MaxMessages}, nil
}

// Needs implements [memory.Memory]. It asks the host for the newest messages and for no call of Recall.
func (b *Buffer) Needs() memory.Needs { return memory.Needs{Tail: b.max} }

// Recall returns the newest messages of the tail. A host does not call it, because Needs asks for no
// recall.
func (b *Buffer) Recall(_ context.Context, req *memory.RecallRequest) (*memory.Recalled, error) {
	left := b.max
	var items []memory.Item
	for _, t := range slices.Backward(req.Tail) {
		for _, m := range slices.Backward(t.Messages) {
			if left--; left >= 0 {
				items = append(items, memory.Item{Message: m, Turn: &memory.TurnSource{Sequence: t.Sequence, Number: t.Number}})
			}
		}
	}
	slices.Reverse(items)
	return &memory.Recalled{Items: items}, nil
}

// Check implements sdk.Checker. A buffer needs nothing, so that it can always work.
func (b *Buffer) Check(context.Context) error { return nil }
