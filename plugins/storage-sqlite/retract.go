package sqlitestore

import (
	"database/sql"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// retract retracts the succeeded turns with the number from or a greater one, for the turn with the
// sequence by. It returns fault.Conflict, and changes nothing, if no turn has the number or if that
// turn is retracted already. It returns fault.Invalid for more than most turns. The caller stores
// c.retracted.
//
// The turns that can be retracted are the newest succeeded ones, so that retract reads only those,
// and one more.
//
// retract changes all of them in the caller's transaction, and not in steps, because no reader may see only
// some of them retracted, or all of them without the new turn. Other writes wait meanwhile. To be fast,
// retract keeps the size of each row: SQLite then writes one page of the row, and not its messages.
func (c *conversation) retract(tx *session, from, by int64, most int) error {
	var first, last, found int64 // found is the sequence of the turn with the number from
	count := 0
	err := tx.each(func(r *sql.Rows) (bool, error) {
		var sequence, number int64
		if err := r.Scan(&sequence, &number); err != nil || number < from {
			return false, err
		}
		if count++; count > most {
			return false, fault.New(fault.Invalid, "more than %d turns would be retracted; take a greater number", most).At("retract_from")
		}
		first, last, found = number, max(last, number), sequence
		return true, nil
	}, "SELECT sequence, number FROM turns WHERE conversation = ? AND state = 'succeeded' ORDER BY sequence DESC", c.id)
	if err != nil {
		return err
	}
	if first != from {
		return noSuchTurn(from).At("retract_from")
	}
	n, err := tx.exec(`UPDATE turns SET retracted = number, number = 0, state = 'interrupted', spare = ''
		WHERE conversation = ? AND state = 'succeeded' AND sequence >= ?`, c.id, found)
	if err != nil {
		return err
	}
	c.retracted += n
	return c.addRetraction(tx, storage.Retraction{Sequence: by, From: from, To: last})
}

func noSuchTurn(number int64) *fault.Error {
	return fault.New(fault.Conflict, "no turn of the conversation has the number %d, or it is retracted", number)
}

func (c *conversation) addRetraction(tx *session, r storage.Retraction) error {
	_, err := tx.exec("INSERT INTO retractions (conversation, sequence, first, last) VALUES (?, ?, ?, ?)", c.id, r.Sequence, r.From, r.To)
	return err
}

// retractionsAfter returns the retractions of turns with a greater sequence. Those beyond
// sdk.MaxRetractions are joined with the last one.
func retractionsAfter(tx *session, conversation, sequence int64) (all []storage.Retraction, err error) {
	err = tx.each(func(rows *sql.Rows) (bool, error) {
		var r storage.Retraction
		err := rows.Scan(&r.Sequence, &r.From, &r.To)
		if len(all) < sdk.MaxRetractions {
			all = append(all, r)
		} else {
			end := &all[len(all)-1]
			*end = storage.Retraction{Sequence: r.Sequence, From: min(end.From, r.From), To: max(end.To, r.To)}
		}
		return true, err
	}, "SELECT sequence, first, last FROM retractions WHERE conversation = ? AND sequence > ? AND last >= first ORDER BY sequence", conversation, sequence)
	return all, err
}
