package sqlitestore

import (
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
)

// conversation is one life of a conversation's id.
type conversation struct {
	id       int64
	user     string
	sequence int64 // of the newest turn
	turns    int64 // that succeeded
	running  int64 // sequence of the turn that runs; 0: none
	until    int64 // end of the running turn's lease, its holder's renewals included
	attempt  string
	updated  int64
}

// living joins a living life with its living conversations.
const living = `FROM lives l JOIN conversations c ON c.life = l.id AND c.deleted_at IS NULL
	WHERE l.tenant = ? AND l.incarnation = ? AND l.deleted_at IS NULL`

// find answers nil when there is no such conversation.
func find(tx *session, call sdk.Call) (*conversation, error) {
	c := new(conversation)
	found, err := tx.get([]any{&c.id, &c.user, &c.sequence, &c.turns, &c.running, &c.until, &c.attempt, &c.updated},
		`SELECT c.id, c.user, c.sequence, c.turns, c.running,
			max(c.lease_until, coalesce((SELECT until FROM holders h WHERE h.holder = c.holder), 0)), c.attempt, c.updated_at `+
			living+` AND c.name = ?`, call.Tenant, call.Incarnation, call.Conversation)
	if !found {
		return nil, err
	}
	return c, nil
}

// findFor is find for a call that may have to be the owner's: it answers fault.NotFound
// where it is not, or nil where there is no such conversation.
func findFor(tx *session, call sdk.Call, owned bool) (*conversation, error) {
	c, err := find(tx, call)
	if err == nil && c != nil && owned && c.user != call.User {
		return nil, missing()
	}
	return c, err
}

func missing() error { return fault.New(fault.NotFound, "there is no such conversation") }

// lifeOf answers 0 when the call's life has not begun, or ended.
func lifeOf(tx *session, call sdk.Call) (life int64, err error) {
	_, err = tx.get([]any{&life},
		"SELECT id FROM lives WHERE tenant = ? AND incarnation = ? AND deleted_at IS NULL", call.Tenant, call.Incarnation)
	return life, err
}

// enter finds or makes the life that the call is in.
func enter(tx *session, call sdk.Call) (life int64, err error) {
	life, err = lifeOf(tx, call)
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
			return 0, fault.New(fault.Conflict, "this life of the tenant was deleted")
		}
	}
	_, err = tx.get([]any{&life}, "INSERT INTO lives (tenant, incarnation) VALUES (?, ?) RETURNING id", call.Tenant, call.Incarnation)
	return life, err
}

// add makes a conversation without turns.
func add(tx *session, call sdk.Call, created int64) (*conversation, error) {
	life, err := enter(tx, call)
	if err != nil {
		return nil, err
	}
	c := &conversation{user: call.User, updated: created}
	_, err = tx.get([]any{&c.id}, `INSERT INTO conversations (life, name, user, created_at, updated_at, updated_day, sequence, turns)
		VALUES (?, ?, ?, ?, ?, ?, 0, 0) RETURNING id`,
		life, call.Conversation, call.User, created, created, day(created))
	return c, err
}

// redate keeps the index by day right; most changes are on the same day.
func (c *conversation) redate(tx *session, updated int64) error {
	if day(updated) == day(c.updated) {
		return nil
	}
	_, err := tx.exec("UPDATE conversations SET updated_day = ? WHERE id = ?", day(updated), c.id)
	return err
}
