package bot

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// recalling is a memory that implements Recall by calling this function.
type recalling func() ([]chat.Message, error)

func (recalling) Needs() memory.Needs { return memory.Needs{Recall: true} }

func (f recalling) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	messages, err := f()
	if err != nil {
		return nil, err
	}
	return recalled(messages), nil
}

// tailMemory is a memory without Recall. The model sees as many of the newest messages as its
// value says.
type tailMemory int

func (n tailMemory) Needs() memory.Needs { return memory.Needs{Tail: int(n)} }

func (tailMemory) Recall(context.Context, *memory.RecallRequest) (*memory.Recalled, error) {
	return nil, errors.New("a tail needs no recall")
}

// recalled returns the messages as the result of a Recall.
func recalled(messages []chat.Message) *memory.Recalled {
	r := &memory.Recalled{}
	for _, m := range messages {
		r.Items = append(r.Items, memory.Item{Message: m})
	}
	return r
}
