package archivetest

import (
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// notFound returns the error for a conversation that is not there, or that a user may not see.
func notFound() error { return fault.New(fault.NotFound, "there is no such conversation") }

// hiddenFrom reports whether the call is told that there is no such conversation, since it is another
// user's.
func (c *conversation) hiddenFrom(call sdk.Call, owned bool) bool {
	return owned && c.user != call.User
}

// wrote reports whether the user has a turn in the conversation.
func (c *conversation) wrote(user string) bool {
	return slices.ContainsFunc(c.turns, func(t *turn) bool { return t.User == user })
}

// shared reports whether users other than its owner wrote in it.
func (c *conversation) shared() bool {
	return slices.ContainsFunc(c.turns, func(t *turn) bool { return t.User != "" && t.User != c.user })
}

// empty removes the texts of the user's turns, and the user from the conversation. It returns how many
// turns it emptied.
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
