package bot

import (
	"github.com/botyard/botyard/sdk/fault"
)

// owned says whether a request of the user is for that user's conversations only. One
// without a user is the tenant's own, and all are there for it.
func (b *Bot) owned(user string) bool { return user != "" && !b.Shared }

// line is where turns of the user wait for the conversation. Users of whom only one can own
// it stand in lines of their own: by waiting, or by not being let wait, nobody learns what
// another's conversation is at. The storage has one turn at work in all lines together.
func (b *Bot) line(conversation, user string) string {
	if b.Shared {
		user = ""
	}
	return conversation + "\x00" + user // which no id has in it
}

// missing tells of a conversation that is not there, and of another user's, in one way: what
// the storage said could tell them apart.
func missing(conversation string, err error) error {
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	return noConversation(conversation)
}

func noConversation(conversation string) error {
	return fault.New(fault.NotFound, "there is no conversation %q", conversation)
}
