package fill

import (
	"context"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The messages of a filled turn.
const (
	question = "How do I reset my password?"
	answer   = "With the link on the front page."
)

// messagesPerTurn is 2, the message of the user and the reply.
const messagesPerTurn = 2

// PostgresTurns fills a new conversation with the given number of messages. The storage writes the first
// turn, and SQL copies it.
func PostgresTurns(ctx context.Context, s storage.Storage, p *pgxpool.Pool, call sdk.Call, messages int) error {
	if err := turn(ctx, s, call); err != nil {
		return err
	}
	last := messages / messagesPerTurn
	err := pgx.BeginFunc(ctx, p, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `insert into botyard.turns
				(tenant, cid, seq, number, state, user_id, message, replies, messages, usage, record, started, ended)
			select t.tenant, t.cid, n, n, t.state, t.user_id, t.message, t.replies, t.messages, t.usage, t.record, t.started, t.ended
			from botyard.conversations as c join botyard.turns as t using (cid), generate_series(2, $4::bigint) as n
			where c.tenant = $1 and c.life = $2 and c.id = $3 and t.seq = 1`, call.Tenant, call.Incarnation, call.Conversation, last)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != int64(last-1) {
			return fmt.Errorf("%d turns were added, not %d", tag.RowsAffected(), last-1)
		}
		_, err = tx.Exec(ctx, `update botyard.conversations set last_seq = $4, last_number = $4
			where tenant = $1 and life = $2 and id = $3`, call.Tenant, call.Incarnation, call.Conversation, last)
		return err
	})
	if err != nil {
		return err
	}
	// Without this vacuum, the server's autovacuum would run during the measurements.
	_, err = p.Exec(ctx, `vacuum (analyze) botyard.turns`)
	return err
}

// turn runs one turn in a new conversation.
func turn(ctx context.Context, s storage.Storage, call sdk.Call) error {
	b, err := s.Begin(ctx, &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, question)), Holder: "fill", Lease: time.Minute, Attempt: call.Conversation,
	})
	if err != nil {
		return err
	}
	if b.Started == nil {
		return fmt.Errorf("%s is not free", call.Conversation)
	}
	_, err = s.Commit(ctx, &storage.CommitRequest{
		Call: call, Fence: b.Started.Fence, State: storage.Succeeded,
		Messages: storage.EncodeMessages(chat.Text(chat.Assistant, answer)),
	})
	return err
}

// Turns fills a new conversation with the given number of messages over the interface of the storage.
func Turns(ctx context.Context, s storage.Importer, call sdk.Call, messages int) error {
	const batch = 1000
	now := time.Now()
	turns := make([]storage.Turn, 0, batch)
	for n := 1; n <= messages/messagesPerTurn; n++ {
		turns = append(turns, storage.Turn{
			Sequence: int64(n), Number: int64(n), State: storage.Succeeded, StartedAt: now, EndedAt: now,
			Messages: storage.EncodeMessages(chat.Text(chat.User, question), chat.Text(chat.Assistant, answer)),
		})
		if len(turns) < batch && n < messages/messagesPerTurn {
			continue
		}
		if _, err := s.Import(ctx, &storage.ImportRequest{Call: call, Turns: turns}); err != nil {
			return err
		}
		turns = turns[:0]
	}
	return nil
}
