package buffer

import (
	"context"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
)

// Buffer keeps the newest messages of a conversation in sight.
type Buffer struct{ max int }

var _ memory.Memory = (*Buffer)(nil)

// New makes a buffer, or says with fault.Invalid what is wrong with cfg.
func New(cfg Config) (*Buffer, error) {
	if cfg.MaxMessages < 0 || cfg.MaxMessages > memory.MaxTail {
		return nil, fault.New(fault.Invalid, "must be from 0 to %d", memory.MaxTail).
			At("max_messages").By(fault.PartyTenant)
	}
	return &Buffer{max: cfg.MaxMessages}, nil
}

// Needs implements [memory.Memory]: the tail is the answer.
func (b *Buffer) Needs() memory.Needs { return memory.Needs{Tail: b.max} }

// Recall answers the newest of the tail, for callers that ask all the same.
func (b *Buffer) Recall(_ context.Context, req *memory.RecallRequest) ([]chat.Message, error) {
	return req.Tail[max(0, len(req.Tail)-b.max):], nil
}
