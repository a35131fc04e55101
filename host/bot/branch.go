package bot

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
)

// BranchRequest asks for a conversation that begins as a copy of another one.
type BranchRequest struct {
	ConversationID string // of the new conversation
	Source         string // the conversation to copy
	UserID         string // who owns the new conversation, and must own the source; empty for the tenant itself
	Through        int64  // number of the last turn to copy; 0 for the newest that is not retracted
}

// Branch makes a conversation as a copy of the turns of another one up to a number. The retracted turns
// are left out. A repeated request has the same result. The error is fault.NotFound if the source does
// not exist or the user may not see it, fault.Conflict if the new conversation exists or the number is
// of no turn that could be copied, and fault.Unsupported if the storage copies no conversations.
func (b *Bot) Branch(ctx context.Context, req BranchRequest) (*storage.BranchResult, error) {
	for field, id := range map[string]string{"conversation_id": req.ConversationID, "id": req.Source} {
		if err := CheckID(field, id); err != nil {
			return nil, err
		}
	}
	if req.UserID != "" {
		if err := CheckID("user_id", req.UserID); err != nil {
			return nil, err
		}
	}
	if req.Source == req.ConversationID {
		return nil, fault.New(fault.Invalid, "is the conversation itself; expected the id of a new one").At("conversation_id")
	}
	if b.Brancher == nil {
		return nil, fault.New(fault.Unsupported, "the tenant's storage copies no conversations (it lacks the feature %q)", feature.Branch).At("conversation_id").By(fault.PartyTenant)
	}
	made, err := b.Brancher.Branch(ctx, &storage.BranchRequest{
		Call: b.call(req.ConversationID, req.UserID), Source: req.Source, Through: req.Through, Owned: b.restricted(req.UserID),
	})
	if e := fault.Of(err); err != nil && e.Class == fault.Conflict {
		switch e.Path.String() {
		case "conversation":
			return nil, fault.New(fault.Conflict, "the conversation exists already; expected the id of a new one").At("conversation_id")
		case "through":
			return nil, fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it was taken back", req.Through).At("through")
		}
	}
	if err != nil {
		return nil, hideOwner(req.Source, err)
	}
	if b.Follow != nil {
		b.Follow.Touch()
	}
	return made, nil
}
