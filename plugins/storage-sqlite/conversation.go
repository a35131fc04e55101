package sqlitestore

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// conversation is one incarnation of a conversation's id.
type conversation struct {
	id       int64
	user     string
	sequence int64 // sequence of the newest turn
	turns    int64 // number of succeeded turns
	running  int64 // sequence of the running turn; 0 for none
	until    int64 // end of the running turn's lease, or of its holder's if that is later
	attempt  string
	updated  int64
}

// liveConversations selects the conversations of an incarnation that is not deleted. Its arguments
// are tenant and incarnation. The table lives has a row for each incarnation of a tenant.
const liveConversations = `FROM lives l JOIN conversations c ON c.life = l.id AND c.deleted_at IS NULL
	WHERE l.tenant = ? AND l.incarnation = ? AND l.deleted_at IS NULL`

// findConversation returns nil when there is no such conversation.
func findConversation(tx *session, call sdk.Call) (*conversation, error) {
	c := new(conversation)
	found, err := tx.get([]any{&c.id, &c.user, &c.sequence, &c.turns, &c.running, &c.until, &c.attempt, &c.updated},
		`SELECT c.id, c.user, c.sequence, c.turns, c.running,
			max(c.lease_until, coalesce((SELECT until FROM holders h WHERE h.holder = c.holder), 0)), c.attempt, c.updated_at `+
			liveConversations+` AND c.name = ?`, call.Tenant, call.Incarnation, call.Conversation)
	if !found {
		return nil, err
	}
	return c, nil
}

// findOwned is findConversation, but returns fault.NotFound when owned is true and the
// conversation is not the call's user's.
func findOwned(tx *session, call sdk.Call, owned bool) (*conversation, error) {
	c, err := findConversation(tx, call)
	if err == nil && c != nil && owned && c.user != call.User {
		return nil, notFound()
	}
	return c, err
}

func notFound() error { return fault.New(fault.NotFound, "there is no such conversation") }

// incarnationID returns the id of the call's row in lives, or 0 when it has not begun or was
// deleted.
func incarnationID(tx *session, call sdk.Call) (life int64, err error) {
	_, err = tx.get([]any{&life},
		"SELECT id FROM lives WHERE tenant = ? AND incarnation = ? AND deleted_at IS NULL", call.Tenant, call.Incarnation)
	return life, err
}

// ensureIncarnation finds or makes the call's row in lives. A deleted incarnation is refused.
func ensureIncarnation(tx *session, call sdk.Call) (life int64, err error) {
	life, err = incarnationID(tx, call)
	if life != 0 || err != nil {
		return life, err
	}
	if call.Incarnation != "" {
		ended, err := tx.get([]any{new(int64)},
			"SELECT 1 FROM lives WHERE tenant = ? AND incarnation = ? AND deleted_at IS NOT NULL", call.Tenant, call.Incarnation)
		if err != nil {
			return 0, err
		}
		if ended {
			return 0, fault.New(fault.Conflict, "this incarnation of the tenant was deleted")
		}
	}
	_, err = tx.get([]any{&life}, "INSERT INTO lives (tenant, incarnation) VALUES (?, ?) RETURNING id", call.Tenant, call.Incarnation)
	return life, err
}

// addConversation makes a conversation without turns.
func addConversation(tx *session, call sdk.Call, created int64) (*conversation, error) {
	life, err := ensureIncarnation(tx, call)
	if err != nil {
		return nil, err
	}
	c := &conversation{user: call.User, updated: created}
	_, err = tx.get([]any{&c.id}, `INSERT INTO conversations (life, name, user, created_at, updated_at, updated_day, sequence, turns)
		VALUES (?, ?, ?, ?, ?, ?, 0, 0) RETURNING id`,
		life, call.Conversation, call.User, created, created, day(created))
	return c, err
}

// updateDay updates the indexed day of the last change, if it is another day.
func (c *conversation) updateDay(tx *session, updated int64) error {
	if day(updated) == day(c.updated) {
		return nil
	}
	_, err := tx.exec("UPDATE conversations SET updated_day = ? WHERE id = ?", day(updated), c.id)
	return err
}
