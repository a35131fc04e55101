package pgstore

import (
	"slices"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// tailRows collects the turns of a tail, newest turn first. The zero value is empty.
type tailRows struct {
	turns []turnRow
	cut   bool // the bound in bytes left at least one turn out
}

// read reads the rows of the statement tail. If the pipeline is run again, read is called again and
// overwrites the first result.
func (t *tailRows) read(rows pgx.Rows) error {
	*t = tailRows{}
	succeeded, empty := storage.Succeeded.String(), ""
	for rows.Next() {
		row := turnRow{state: &succeeded, reason: &empty}
		if err := rows.Scan(&t.cut, &row.sequence, &row.number, &row.user, &row.started, &row.ended,
			&row.message, &row.replies, &row.body, &row.replyBodies); err != nil {
			return err
		}
		if t.cut {
			break
		}
		t.turns = append(t.turns, row)
	}
	return rows.Err()
}

// decode returns the turns, oldest first.
func (t *tailRows) decode() (all []storage.Turn, err error) {
	for _, row := range slices.Backward(t.turns) {
		turn, err := row.turn()
		if err != nil {
			return nil, err
		}
		all = append(all, turn)
	}
	return all, nil
}
