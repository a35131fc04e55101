package pgstore

import (
	"slices"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// tailRows collects the turns of a tail, newest turn first. The zero value is empty.
type tailRows struct {
	turns []tailRow
	cut   bool // the bound in bytes left at least one turn out
}

// tailRow has the columns of a turn's messages, as appendMessages reads them.
type tailRow struct{ message, replies, body, replyBodies []byte }

// read reads the rows of the statement tail. If the pipeline is run again, read is called again and
// overwrites the first result.
func (t *tailRows) read(rows pgx.Rows) error {
	*t = tailRows{}
	for rows.Next() {
		var row tailRow
		if err := rows.Scan(&row.message, &row.replies, &row.body, &row.replyBodies, &t.cut); err != nil {
			return err
		}
		if t.cut {
			break
		}
		t.turns = append(t.turns, row)
	}
	return rows.Err()
}

// messages returns the newest messages, oldest first. It returns at most limit messages.
func (t *tailRows) messages(limit int) (all []storage.Message, err error) {
	for _, row := range slices.Backward(t.turns) {
		if all, err = appendMessages(all, row.message, row.replies, row.body, row.replyBodies); err != nil {
			return nil, err
		}
	}
	return all[max(0, len(all)-limit):], nil
}
