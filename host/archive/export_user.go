package archive

import (
	"slices"

	"github.com/botyard/botyard/sdk/storage"
)

// isPartial reports whether the export has only some turns of the conversation: the export is
// of one user, and the conversation belongs to another user or has turns of other users.
func (e *Export) isPartial(c storage.Conversation) bool {
	return e.user != "" && (c.Shared || c.User != e.user)
}

// turnsOfUser returns the turns that belong into the export. If the export is of one user,
// these are the turns that an erasure of the user would delete or empty. c is the conversation
// at the time when it was listed. turnsOfUser also leaves out turns that other users have
// written since then.
func (e *Export) turnsOfUser(c storage.Conversation, turns []storage.Turn) []storage.Turn {
	if e.user == "" {
		return turns
	}
	partial := e.isPartial(c)
	return slices.DeleteFunc(turns, func(t storage.Turn) bool { return t.User != e.user && (partial || t.User != "") })
}
