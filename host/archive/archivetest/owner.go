package archivetest

import (
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// notFound returns the error for a conversation that does not exist, or that the user of a call
// may not see.
func notFound() error { return fault.New(fault.NotFound, "there is no such conversation") }

// hiddenFrom reports whether the call gets the error of notFound because the conversation
// belongs to another user.
func (c *conversation) hiddenFrom(call sdk.Call, owned bool) bool {
	return owned && c.user != call.User
}

// wrote reports whether the user has a turn in the conversation.
func (c *conversation) wrote(user string) bool {
	return slices.ContainsFunc(c.turns, func(t *turn) bool { return t.User == user })
}

// shared reports whether users other than the owner of the conversation wrote in it.
func (c *conversation) shared() bool {
	return slices.ContainsFunc(c.turns, func(t *turn) bool { return t.User != "" && t.User != c.user })
}

// empty removes the texts of the user's turns, and the user's id, from the conversation. It
// returns how many turns it emptied.
func (c *conversation) empty(user string) (emptied int64) {
	for _, t := range c.turns {
		if t.User != user {
			continue
		}
		if c.keys[t.Key] == t {
			delete(c.keys, t.Key)
		}
		t.Turn, t.closed, t.attempt = t.Emptied(time.Now()), true, ""
		emptied++
	}
	if c.user == user {
		c.user = ""
	}
	return emptied
}
