package bot

import (
	"github.com/botyard/botyard/sdk/fault"
)

// restricted reports whether a request of the user reaches that user's conversations only.
// It does not if the tenant's users share all conversations, or if user is empty: then the
// tenant itself asks.
func (b *Bot) restricted(user string) bool { return user != "" && !b.Shared }

// queueKey names the queue in which a user's turns wait for a conversation. Where a
// conversation belongs to one user, each user has a queue of its own: whether a turn waits
// must not tell a user that another one has a conversation with this id. The storage still
// runs one turn at a time in a conversation.
func (b *Bot) queueKey(conversation, user string) string {
	if b.Shared {
		user = ""
	}
	return conversation + "\x00" + user // no id contains NUL
}

// hideOwner replaces a storage's fault.NotFound by one that is the same for a conversation
// that does not exist and for one of another user. Other errors stay.
func hideOwner(conversation string, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return noConversation(conversation)
}

func noConversation(conversation string) error {
	return fault.New(fault.NotFound, "there is no conversation %q", conversation)
}
