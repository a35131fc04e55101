package bot

import (
	"github.com/botyard/botyard/sdk/fault"
)

// restricted reports whether the user may access only that user's own conversations. It returns
// false if all users of the tenant share the conversations. It also returns false if user is
// empty, because then the tenant itself makes the request.
func (b *Bot) restricted(user string) bool { return user != "" && !b.Shared }

// queueKey returns the key of the queue in which a user's turns wait for a conversation. If
// conversations belong to users, each user has a separate queue, so that a wait does not
// reveal that another user has a conversation with this id. The storage still runs one turn
// at a time in a conversation.
func (b *Bot) queueKey(conversation, user string) string {
	if b.Shared {
		user = ""
	}
	return conversation + "\x00" + user // ids cannot contain NUL
}

// hideOwner replaces a storage's fault.NotFound with one error for two cases: the conversation
// does not exist, or it belongs to another user. hideOwner returns other errors unchanged.
func hideOwner(conversation string, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return noConversation(conversation)
}

func noConversation(conversation string) error {
	return fault.New(fault.NotFound, "there is no conversation %q", conversation)
}
