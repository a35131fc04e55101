package plugins

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// TestVersions_memory runs a memory plugin of a newer protocol, which recalls what it was given to
// remember, each message with a part of a further kind.
func TestVersions_memory(t *testing.T) {
	call := sdk.Call{Tenant: "t", Conversation: "c", User: "u"}
	recalled := func(ctx context.Context, i *Instance, turn ...chat.Message) (chat.Message, error) {
		told := &memory.RememberRequest{Call: call, Events: []memory.Event{{Turn: &memory.Turn{Sequence: 1, Number: 1, Messages: turn}}}}
		if n, err := i.Memory().(memory.Rememberer).Remember(ctx, told); err != nil || n != 1 {
			return chat.Message{}, errors.Join(fmt.Errorf("remembered up to %d", n), err)
		}
		got, err := i.Memory().Recall(ctx, &memory.RecallRequest{Call: call, Messages: []chat.Message{chat.Text(chat.User, "what was it?")}})
		if err != nil || len(got.Items) != len(turn) {
			return chat.Message{}, errors.Join(fmt.Errorf("recalled %+v", got), err)
		}
		return got.Items[0].Message, nil
	}
	testVersions(t, memory.Kind, []versionCase{
		{"newer", "a service of a later version beside the one of today, and a further feature", "the host calls the one of today, and shows both",
			func(ctx context.Context, h *host, i *Instance) error {
				_, err := recalled(ctx, i, chat.Text(chat.User, "hello"))
				return errors.Join(err, h.isShownAsNewer("botyard.memory.v2.MemoryService"))
			}},
		{"newer", "further needs", "ignored beside those that the host knows",
			func(_ context.Context, _ *host, i *Instance) error {
				// The plugin names no store key, so the host takes its name.
				if n := i.Memory().Needs(); n != (memory.Needs{Tail: 2, Recall: true, Remember: true, StoreKey: "newer"}) {
					return fmt.Errorf("needs %+v", n)
				}
				return nil
			}},
		{"newer", "a further part kind in what is recalled, and a further field beside it", "kept, and given back as it was",
			func(ctx context.Context, _ *host, i *Instance) error {
				first, err := recalled(ctx, i, chat.Text(chat.User, "hello"))
				if err != nil || len(first.Parts) != 2 || first.Text() != "hello" || first.Parts[1].Kind() != chat.KindUnknown {
					return errors.Join(fmt.Errorf("recalled %+v", first), err)
				}
				second, err := recalled(ctx, i, first)
				if err != nil || len(second.Parts) != 3 || string(second.Parts[1].Unknown) != string(second.Parts[2].Unknown) {
					return errors.Join(fmt.Errorf("recalled %+v", second), err)
				}
				return nil
			}},
	})
}
