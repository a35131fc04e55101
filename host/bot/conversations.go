package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/memory"
	"github.com/botyard/botyard/sdk/storage"
)

// Conversations returns a page of the tenant's conversations, ordered by id, that starts
// after the given id. It has those that the user may see, or all if user is empty. limit
// is 1 to storage.MaxPage.
func (b *Bot) Conversations(ctx context.Context, user, after string, limit int) (*storage.ConversationPage, error) {
	if b.Shared {
		user = ""
	}
	return b.Storage.List(ctx, &storage.ListRequest{
		Call: b.call("", user), After: after, Limit: limit,
	})
}

// TurnsRequest says which turns Turns returns.
type TurnsRequest struct {
	User         string // who asks; empty asks for the tenant, which may see every conversation
	Conversation string
	After        int64 // sequence of the turn before the first one; 0 for the beginning
	Limit        int   // 1 to storage.MaxPage
	All          bool  // return turns of every state; if false, only succeeded ones
}

// Turns returns a page of a conversation's turns, oldest first. The error is
// fault.NotFound if the user can see no such conversation.
func (b *Bot) Turns(ctx context.Context, req TurnsRequest) (*storage.TurnPage, error) {
	if err := CheckID("conversation_id", req.Conversation); err != nil {
		return nil, err
	}
	page, err := b.Storage.Read(ctx, &storage.ReadRequest{
		Call: b.call(req.Conversation, req.User), After: req.After, Limit: req.Limit, All: req.All, Owned: b.restricted(req.User),
	})
	return page, hideOwner(req.Conversation, err)
}

// DeleteConversation deletes the conversation from the storage, and then what the memory
// keeps of it. A turn that is running there can no longer be committed. An empty user
// stands for the tenant. The error is fault.NotFound if the user can see no such
// conversation.
func (b *Bot) DeleteConversation(ctx context.Context, user, conversation string) error {
	if err := CheckID("conversation_id", conversation); err != nil {
		return err
	}
	deleted, err := b.Storage.Delete(ctx, storage.Scope{Call: b.call(conversation, user), Owned: b.restricted(user)})
	if err != nil {
		return err
	}
	if deleted.Conversations == 0 && b.restricted(user) {
		// The conversation may belong to another user. Then its memory must stay.
		_, err := b.Turns(ctx, TurnsRequest{Conversation: conversation, Limit: 1, All: true})
		if err == nil {
			return noConversation(conversation)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	// The memory is told even if the storage deleted nothing: an earlier deletion may have
	// failed after the storage and before the memory.
	if f, ok := b.Memory.(memory.Forgetter); ok {
		if err := f.Forget(ctx, b.call(conversation, "")); err != nil {
			return err
		}
	}
	if deleted.Conversations == 0 {
		return noConversation(conversation)
	}
	return nil
}
