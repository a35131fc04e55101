package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// Conversations pages through the tenant's conversations by id: those that are there for
// the user, or all if user is empty. limit is 1 to storage.MaxPage.
func (b *Bot) Conversations(ctx context.Context, user, after string, limit int) (*storage.ConversationPage, error) {
	if b.Shared {
		user = ""
	}
	return b.Storage.List(ctx, &storage.ListRequest{
		Call: b.call("", user), After: after, Limit: limit,
	})
}

// Turns pages through a conversation's turns after a sequence, oldest first; all
// of them, or the succeeded ones. fault.NotFound when there is no such conversation for
// the user; for an empty one all are there. limit is 1 to storage.MaxPage.
func (b *Bot) Turns(ctx context.Context, user, conversation string, after int64, limit int, all bool) (*storage.TurnPage, error) {
	if err := CheckID("conversation_id", conversation); err != nil {
		return nil, err
	}
	page, err := b.Storage.Read(ctx, &storage.ReadRequest{
		Call: b.call(conversation, user), After: after, Limit: limit, All: all, Owned: b.owned(user),
	})
	return page, missing(conversation, err)
}

// DeleteConversation removes the conversation and what the memory keeps of it. A
// turn that is running there can no longer be committed. fault.NotFound when there was no
// such conversation for the user; for an empty one all are there.
func (b *Bot) DeleteConversation(ctx context.Context, user, conversation string) error {
	if err := CheckID("conversation_id", conversation); err != nil {
		return err
	}
	call := b.call(conversation, "")
	deleted, err := b.Storage.Delete(ctx, storage.Scope{Call: b.call(conversation, user), Owned: b.owned(user)})
	if err != nil {
		return err
	}
	if deleted.Conversations == 0 && b.owned(user) {
		// It is gone, or another's, whose memory stays.
		_, err := b.Turns(ctx, "", conversation, 0, 1, true)
		if err == nil {
			return noConversation(conversation)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	// The memory follows the log, and so in this order: what it keeps of a deleted
	// conversation is dropped even when the log was gone before.
	if f, ok := b.Memory.(memory.Forgetter); ok {
		if err := f.Forget(ctx, call); err != nil {
			return err
		}
	}
	if deleted.Conversations == 0 {
		return noConversation(conversation)
	}
	return nil
}
