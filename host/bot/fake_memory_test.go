package bot

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// recalling is a memory that is asked in each turn. It is the function that returns what it
// recalls.
type recalling func() ([]chat.Message, error)

func (recalling) Needs() memory.Needs { return memory.Needs{Recall: true} }

func (f recalling) Recall(context.Context, *memory.RecallRequest) ([]chat.Message, error) {
	return f()
}

// tailMemory is a memory that is never asked: the model sees the newest messages, so many
// of them.
type tailMemory int

func (n tailMemory) Needs() memory.Needs { return memory.Needs{Tail: int(n)} }

func (tailMemory) Recall(context.Context, *memory.RecallRequest) ([]chat.Message, error) {
	return nil, errors.New("a tail needs no recall")
}
