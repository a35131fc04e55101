package pgstore

import (
	"context"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// Import implements [storage.Importer].
func (s *Store) Import(ctx context.Context, req *storage.ImportRequest) (int64, error) {
	if err := req.ValidateText(); err != nil {
		return 0, err
	}
	if len(req.Turns) == 0 {
		return 0, nil
	}
	var columns importColumns
	for _, t := range req.Turns {
		columns.add(t)
	}
	call := req.Call
	args := append([]any{call.Incarnation, call.Conversation, call.User}, columns.args()...)
	var kind string
	var added int64
	err := s.run(ctx, scope{tenant: call.Tenant}, query{s.calls.imports, args, func(rows pgx.Rows) error {
		if !rows.Next() {
			return noRow(rows, "import")
		}
		return rows.Scan(&kind, &added)
	}})
	switch {
	case err != nil:
		return 0, err
	case kind == "ended":
		return 0, errEnded()
	case kind == "running":
		return 0, fault.New(fault.Conflict, "a turn is running in the conversation")
	case kind == "owner":
		return 0, fault.New(fault.Conflict, "the conversation belongs to another user").At("user")
	case kind == "skips":
		return 0, fault.New(fault.Conflict, "the turns do not follow those that are there").At("turns")
	case kind == "differs":
		return 0, fault.New(fault.Conflict, "a turn that is there has another number or state").At("turns")
	}
	return added, nil
}

// importColumns has turns as columns. A single statement passes any number of turns as one array
// for each column.
type importColumns struct {
	sequence, number, count  []int64
	state, reason, user, key []string
	message, replies         []string
	usage, metadata, record  []string
	started, ended           []time.Time
	body, replyBodies        [][]byte
	retractFrom              []int64
	retracted                []bool
}

// add appends a turn to the columns.
func (c *importColumns) add(t storage.Turn) {
	var message, replies stored
	if len(t.Messages) > 0 {
		message, replies = storeFirst(t.Messages[:1]), storeReplies(t.Messages[1:])
	}
	c.sequence = append(c.sequence, t.Sequence)
	c.number = append(c.number, t.Number)
	c.count = append(c.count, int64(len(t.Messages)))
	c.state = append(c.state, t.State.String())
	c.reason = append(c.reason, t.Reason)
	c.user = append(c.user, t.User)
	c.key = append(c.key, t.Key)
	c.message = append(c.message, text(message.texts))
	c.replies = append(c.replies, text(replies.texts))
	c.body = append(c.body, nonNil(message.bodies))
	c.replyBodies = append(c.replyBodies, nonNil(replies.bodies))
	c.usage = append(c.usage, string(t.Usage))
	c.metadata = append(c.metadata, string(t.Metadata))
	c.record = append(c.record, string(t.Record))
	c.retractFrom = append(c.retractFrom, t.RetractFrom)
	c.retracted = append(c.retracted, t.Retracted)
	c.started = append(c.started, t.StartedAt)
	c.ended = append(c.ended, t.EndedAt)
}

// args returns the columns in the order of the database function's parameters.
func (c *importColumns) args() []any {
	return []any{c.sequence, c.number, c.state, c.reason, c.user, c.message, c.replies, c.count, c.usage, c.metadata,
		c.record, c.key, c.started, c.ended, c.body, c.replyBodies, c.retractFrom, c.retracted}
}

// nonNil returns empty bytes for nil, because the arrays of an import have no NULL in them.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
