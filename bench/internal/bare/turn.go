package bare

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connections are as many as the plugin has when nothing is configured.
const connections = 30

// Open makes a pool that sends as the plugin's does where no pooler is between: with
// statements that stay prepared, as pgx does by itself. Close it.
func Open(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = connections
	return pgxpool.NewWithConfig(ctx, cfg)
}

// Turn is what is written of a turn: the arguments of its two statements that have
// size. Those that may be missing are nil.
type Turn struct {
	Tenant, Life            string
	User                    string
	Message, Replies        string // JSON
	Usage, Metadata, Record *string
	ReplyCount              int32
	Tail                    int32
}

// Written reads the newest turn of a conversation, so that others can be made like it.
func Written(ctx context.Context, p *pgxpool.Pool, tenant, conversation string, tail int) (Turn, error) {
	t := Turn{Tenant: tenant, Tail: int32(tail)}
	err := p.QueryRow(ctx, `select c.life, t.user_id, t.message::text, t.replies::text, t.messages - 1,
			t.usage::text, t.metadata::text, t.record::text
		from botyard.conversations as c join botyard.turns as t using (cid)
		where c.tenant = $1 and c.id = $2 and t.number is not null order by t.seq desc limit 1`, tenant, conversation).
		Scan(&t.Life, &t.User, &t.Message, &t.Replies, &t.ReplyCount, &t.Usage, &t.Metadata, &t.Record)
	if err != nil {
		return t, fmt.Errorf("a turn of %s/%s: %w", tenant, conversation, err)
	}
	return t, nil
}

// Run has the turn in a conversation: two round trips.
func (t Turn) Run(ctx context.Context, p *pgxpool.Pool, conversation string) error {
	var cid, seq int64
	err := t.pipeline(ctx, p, func(rows pgx.Rows) (err error) {
		var kind string
		var a, b *int64
		for first := true; rows.Next(); first = false {
			if !first {
				continue // the tail is read and not looked at
			}
			into := make([]any, len(rows.FieldDescriptions()))
			into[0], into[1], into[2] = &kind, &a, &b
			err = rows.Scan(into...)
		}
		if err == nil && kind != "started" {
			err = fmt.Errorf("begin in %s answered %q", conversation, kind)
		}
		if err == nil {
			cid, seq = *a, *b
		}
		return err
	}, begin, t.Life, conversation, t.User, t.Message, t.Metadata, t.Tail, "bare", lease*time.Second, nil, nil, rand.Text())
	if err != nil {
		return err
	}
	return t.pipeline(ctx, p, func(rows pgx.Rows) error {
		var kind string
		if rows.Next() {
			if err := rows.Scan(&kind, nil, nil); err != nil {
				return err
			}
		}
		if kind != "done" {
			return fmt.Errorf("commit in %s answered %q", conversation, kind)
		}
		return nil
	}, commit, t.Life, conversation, cid, seq, "succeeded", "", t.Replies, t.ReplyCount, t.Usage, t.Record)
}

// pipeline sends the statement behind the one that sets role and tenant: one round
// trip and one transaction.
func (t Turn) pipeline(ctx context.Context, p *pgxpool.Pool, read func(pgx.Rows) error, sql string, args ...any) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	var batch pgx.Batch
	batch.Queue(setting, role, t.Tenant, timeout)
	batch.Queue(sql, args...)
	results := c.SendBatch(ctx, &batch)
	_, err = results.Exec()
	if err == nil {
		rows, queryErr := results.Query()
		if err = queryErr; err == nil {
			err = read(rows)
			rows.Close()
			err = errors.Join(err, rows.Err())
		}
	}
	return errors.Join(err, results.Close())
}
