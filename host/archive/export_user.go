package archive

import (
	"slices"

	"github.com/botyard/botyard/sdk/storage"
)

// isPartial reports whether the export is of one user and has only this user's turns of the
// conversation. That is so if the conversation is another user's, or if others wrote in it.
func (e *Export) isPartial(c storage.Conversation) bool {
	return e.user != "" && (c.Shared || c.User != e.user)
}

// turnsOfUser returns those of the turns that belong into the export. An export of one user
// has the turns that an erasure of the user would delete or empty. c is as it was listed;
// turns that other users wrote since then are left out too.
func (e *Export) turnsOfUser(c storage.Conversation, turns []storage.Turn) []storage.Turn {
	if e.user == "" {
		return turns
	}
	partial := e.isPartial(c)
	return slices.DeleteFunc(turns, func(t storage.Turn) bool { return t.User != e.user && (partial || t.User != "") })
}
