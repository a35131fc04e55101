package archive

import (
	"fmt"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// maxBatchTurns and maxBatchBytes bound the turns of one call to the storage. maxBatchBytes
// counts the bytes of the lines of the turns.
const (
	maxBatchTurns = 200
	maxBatchBytes = 4 << 20
)

// addTurn adds a turn to the batch. If the batch is full, addTurn stores the batch first. A
// turn that was running during the export becomes an interrupted turn.
func (i *importer) addTurn(l *turnLine, size int) error {
	if i.conversation.skipped() {
		return nil
	}
	if (l.RetractFrom > 0 || l.Retracted) && !i.store.Retracts {
		return labeled(i.block, fault.New(fault.Invalid, "the export has retracted turns, which its plugin does not tell from others: update it, or choose another storage").By(fault.PartyHost))
	}
	t := l.turn()
	if t.State == storage.Running {
		t.State, t.Number = storage.Interrupted, 0
		t.Reason = fault.Canceled.String() + ": the turn was running when it was exported"
		if t.EndedAt = i.head.CreatedAt; t.EndedAt.Before(t.StartedAt) {
			t.EndedAt = t.StartedAt
		}
		i.done.Interrupted++
	}
	if len(i.batch) > 0 && (len(i.batch) >= maxBatchTurns || i.batchBytes+size > maxBatchBytes) {
		if err := i.flush(); err != nil {
			return err
		}
	}
	i.batch = append(i.batch, t)
	i.batchBytes += size
	return nil
}

// flush stores the batch and empties it.
func (i *importer) flush() error {
	if len(i.batch) == 0 {
		return nil
	}
	req := &storage.ImportRequest{
		Call:  sdk.Call{Tenant: i.id, Incarnation: i.incarnation, Conversation: i.conversation.ID, User: i.conversation.User},
		Turns: i.batch,
	}
	var added int64
	err := i.a.retry(i.ctx, func() (err error) {
		added, err = i.store.Importer.Import(i.ctx, req)
		return err
	})
	if err != nil {
		f := *fault.Of(err)
		f.Message = fmt.Sprintf("conversation %q, turns %d to %d: %s", i.conversation.ID, i.batch[0].Sequence, i.batch[len(i.batch)-1].Sequence, f.Message)
		f.Err = err
		return labeled(i.block, &f)
	}
	i.done.Turns += added
	i.done.Present += int64(len(i.batch)) - added
	i.batch, i.batchBytes = i.batch[:0], 0
	return nil
}
