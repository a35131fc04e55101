package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// Conversations returns a page of the tenant's conversations, ordered by id. The page begins
// after the id in after. It has the conversations that the user may see, or all conversations
// if user is empty. limit is 1 to storage.MaxPage.
func (b *Bot) Conversations(ctx context.Context, user, after string, limit int) (*storage.ConversationPage, error) {
	if b.Shared {
		user = ""
	}
	return b.Storage.List(ctx, &storage.ListRequest{
		Call: b.call("", user), After: after, Limit: limit,
	})
}

// TurnsRequest selects the turns that Bot.Turns returns.
type TurnsRequest struct {
	User         string // the user who reads; empty for the tenant itself, which may read every conversation
	Conversation string
	After        int64 // the page begins after the turn with this sequence; 0 for the first page
	Limit        int   // greatest number of turns on the page, 1 to storage.MaxPage
	All          bool  // return turns of every state, and retracted ones; if false, only succeeded turns that are not retracted
}

// Turns returns a page of a conversation's turns, oldest first. The error is fault.NotFound if
// the conversation does not exist or the user may not see it.
func (b *Bot) Turns(ctx context.Context, req TurnsRequest) (*TurnPage, error) {
	if err := CheckID("conversation_id", req.Conversation); err != nil {
		return nil, err
	}
	page, err := b.Storage.Read(ctx, &storage.ReadRequest{
		Call: b.call(req.Conversation, req.User), After: req.After, Limit: req.Limit, All: req.All, Owned: b.restricted(req.User),
	})
	if err != nil {
		return nil, hideOwner(req.Conversation, err)
	}
	return decodePage(page)
}

// DeleteConversation deletes the conversation from the storage, and then all that the memory
// has of the conversation. A turn that runs in the conversation can no longer be committed. An
// empty user means that the tenant itself deletes the conversation. The error is fault.NotFound
// if the conversation does not exist or the user may not see it.
func (b *Bot) DeleteConversation(ctx context.Context, user, conversation string) error {
	if err := CheckID("conversation_id", conversation); err != nil {
		return err
	}
	deleted, err := b.Storage.Delete(ctx, storage.Scope{Call: b.call(conversation, user), Owned: b.restricted(user)})
	if err != nil {
		return err
	}
	if deleted.Conversations == 0 && b.restricted(user) {
		// If the conversation belongs to another user, the memory must not forget it.
		_, err := b.Turns(ctx, TurnsRequest{Conversation: conversation, Limit: 1, All: true})
		if err == nil {
			return noConversation(conversation)
		}
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	// The memory forgets the conversation even if the storage deleted nothing, because an
	// earlier DeleteConversation may have failed between the storage and the memory.
	if b.Follow != nil {
		if err := b.Follow.Forget(ctx, conversation); err != nil {
			return err
		}
	}
	if deleted.Conversations == 0 {
		return noConversation(conversation)
	}
	return nil
}
