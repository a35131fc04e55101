package buffer

import (
	"context"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
)

// Buffer is a memory that shows the model the newest messages of a conversation.
type Buffer struct{ max int }

var _ memory.Memory = (*Buffer)(nil)

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
func (b *Buffer) Recall(_ context.Context, req *memory.RecallRequest) ([]chat.Message, error) {
	return req.Tail[max(0, len(req.Tail)-b.max):], nil
}
