package sqlitestore

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// conversation is a row of the table conversations. A row is one incarnation of a conversation id.
type conversation struct {
	id          int64
	incarnation string // distinguishes the rows that had the same name one after the other
	user        string
	sequence    int64 // sequence of the newest turn
	turns       int64 // number of succeeded turns, retracted ones included: the number of the newest
	retracted   int64 // number of retracted turns
	emptied     int64 // how often a turn was emptied
	running     int64 // sequence of the running turn, or 0 if no turn is running
	// until is the time at which the running turn's lease expires, in nanoseconds since 1970. It is
	// the later of two times: the end of the lease in the conversation's row, and the end of the
	// lease in the row of the turn's holder.
	until   int64
	attempt string
	updated int64
}

// ended returns the sequence of the newest turn that has ended, or 0.
func (c *conversation) ended() int64 {
	if c.running != 0 {
		return c.running - 1
	}
	return c.sequence
}

// liveConversations is an SQL fragment that selects the conversations of an incarnation of a
// tenant. It selects nothing if the incarnation was deleted. Its arguments are the tenant id and
// the incarnation. The table lives has a row for each incarnation of a tenant.
const liveConversations = `FROM lives l JOIN conversations c ON c.life = l.id AND c.deleted_at IS NULL
	WHERE l.tenant = ? AND l.incarnation = ? AND l.deleted_at IS NULL`

// findConversation returns the conversation that the call names, or nil if it does not exist.
func findConversation(tx *session, call sdk.Call) (*conversation, error) {
	c := new(conversation)
	found, err := tx.get([]any{&c.id, &c.incarnation, &c.user, &c.sequence, &c.turns, &c.retracted, &c.emptied, &c.running, &c.until, &c.attempt, &c.updated},
		`SELECT c.id, c.incarnation, c.user, c.sequence, c.turns, c.retracted, c.emptied, c.running,
			max(c.lease_until, coalesce((SELECT until FROM holders h WHERE h.holder = c.holder), 0)), c.attempt, c.updated_at `+
			liveConversations+` AND c.name = ?`, call.Tenant, call.Incarnation, call.Conversation)
	if !found {
		return nil, err
	}
	return c, nil
}

// findOwned returns the conversation that the call names, or nil if it does not exist. If owned is
// true and another user owns the conversation, findOwned returns fault.NotFound.
func findOwned(tx *session, call sdk.Call, owned bool) (*conversation, error) {
	c, err := findConversation(tx, call)
	if err == nil && c != nil && owned && c.user != call.User {
		return nil, notFound()
	}
	return c, err
}

func notFound() error { return fault.New(fault.NotFound, "there is no such conversation") }

// incarnationID returns the id of the row in lives for the call's incarnation of the tenant. It
// returns 0 if there is no row or if the incarnation was deleted.
func incarnationID(tx *session, call sdk.Call) (life int64, err error) {
	_, err = tx.get([]any{&life},
		"SELECT id FROM lives WHERE tenant = ? AND incarnation = ? AND deleted_at IS NULL", call.Tenant, call.Incarnation)
	return life, err
}

// ensureIncarnation returns the id of the row in lives for the call's incarnation of the tenant. It
// inserts the row if necessary. It returns fault.Conflict if the call names an incarnation that was
// deleted.
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

// addConversation inserts a conversation without turns. created is in nanoseconds since 1970.
func addConversation(tx *session, call sdk.Call, created int64) (*conversation, error) {
	life, err := ensureIncarnation(tx, call)
	if err != nil {
		return nil, err
	}
	c := &conversation{incarnation: newToken(), user: call.User, updated: created}
	_, err = tx.get([]any{&c.id}, `INSERT INTO conversations (life, name, incarnation, user, created_at, updated_at, updated_day, sequence, turns)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0) RETURNING id`,
		life, call.Conversation, c.incarnation, call.User, created, created, day(created))
	return c, err
}

// updateDay sets the indexed column updated_day to the day of updated, if the day has changed. The
// caller sets the column updated_at. updated is in nanoseconds since 1970.
func (c *conversation) updateDay(tx *session, updated int64) error {
	if day(updated) == day(c.updated) {
		return nil
	}
	_, err := tx.exec("UPDATE conversations SET updated_day = ? WHERE id = ?", day(updated), c.id)
	return err
}
