package archivetest

import (
	"slices"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

func missing() error { return fault.New(fault.NotFound, "there is no such conversation") }

// shut says whether the conversation is not there for the call.
func (c *conversation) shut(call sdk.Call, owned bool) bool { return owned && c.user != call.User }

// wrote says whether the user has a turn in the conversation.
func (c *conversation) wrote(user string) bool {
	return slices.ContainsFunc(c.turns, func(t *turn) bool { return t.User == user })
}

// shared says whether users other than its own wrote in it.
func (c *conversation) shared() bool {
	return slices.ContainsFunc(c.turns, func(t *turn) bool { return t.User != "" && t.User != c.user })
}

// empty empties the user's turns and counts them.
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
