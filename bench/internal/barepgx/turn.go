package barepgx

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// connections is the most connections of the pool. It equals the default of the plugin storage-postgres.
const connections = 30

// Open opens a pool whose statements stay prepared, as they do in the plugin storage-postgres without a
// pooler. The caller closes the pool.
func Open(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = connections
	return pgxpool.NewWithConfig(ctx, cfg)
}

// Turn has the large arguments of the two statements of a turn. An argument that is null in SQL is a nil
// pointer.
type Turn struct {
	Tenant, Incarnation     string
	User                    string
	Message, Replies        string // JSON texts
	Body, ReplyBodies       []byte
	Usage, Metadata, Record *string
	ReplyCount              int32
	Tail                    int32
}

// ReadTurn returns the newest turn of a conversation as a model for other turns. The other turns will read
// at most tail messages each.
func ReadTurn(ctx context.Context, p *pgxpool.Pool, tenant, conversation string, tail int) (Turn, error) {
	t := Turn{Tenant: tenant, Tail: int32(tail)}
	err := p.QueryRow(ctx, `select c.life, t.user_id, t.message::text, t.replies::text, t.body, t.reply_bodies, t.messages - 1,
			t.usage::text, t.metadata::text, t.record::text
		from botyard.conversations as c join botyard.turns as t using (cid)
		where c.tenant = $1 and c.id = $2 and t.number is not null order by t.seq desc limit 1`, tenant, conversation).
		Scan(&t.Incarnation, &t.User, &t.Message, &t.Replies, &t.Body, &t.ReplyBodies, &t.ReplyCount, &t.Usage, &t.Metadata, &t.Record)
	if err != nil {
		return t, fmt.Errorf("a turn of %s/%s: %w", tenant, conversation, err)
	}
	return t, nil
}

// Conversation is a conversation in which Turn.Run runs turns. The first turn creates the conversation in
// the database. A Conversation is not safe for concurrent use.
type Conversation struct {
	ID  string
	cid int64 // 0 before the first turn
}

// Run runs the turn in a conversation, in two round trips.
func (t Turn) Run(ctx context.Context, p *pgxpool.Pool, c *Conversation) error {
	var seq int64
	attempt := rand.Text()
	queries := []query{{begin, []any{t.Incarnation, c.ID, c.cid, t.User, t.Message, t.Metadata, "bare", lease * time.Second, attempt, false, t.Body, int32(1)}, oneRow(&seq)},
		{newest, []any{int64(t.Tail), int64(sdk.MaxTailBytes), c.cid}, func(rows pgx.Rows) error {
			for rows.Next() { // the rows are received but not decoded
			}
			return nil
		}}}
	if c.cid == 0 {
		var kind string
		row := []any{&kind, &c.cid, &seq, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}
		queries = []query{{first, []any{t.Incarnation, c.ID, t.User, t.Message, t.Metadata, "bare", lease * time.Second, nil, nil, attempt, false, t.Body, int32(1), int64(0)}, oneRow(row...)}}
	}
	if err := t.pipeline(ctx, p, queries...); err != nil {
		return fmt.Errorf("begin in %s: %w", c.ID, err)
	}
	var number int64
	err := t.pipeline(ctx, p, query{commit, []any{t.Incarnation, c.ID, c.cid, seq, "succeeded", "", t.Replies, t.ReplyCount, t.Usage, t.Record, t.ReplyBodies}, oneRow(&number)})
	if err != nil {
		return fmt.Errorf("commit in %s: %w", c.ID, err)
	}
	return nil
}

// oneRow returns a function that scans the first row into the given pointers. Without a row the function
// returns an error.
func oneRow(into ...any) func(pgx.Rows) error {
	return func(rows pgx.Rows) error {
		if !rows.Next() {
			return errors.Join(rows.Err(), errors.New("no row came back"))
		}
		return rows.Scan(into...)
	}
}

// query is a statement, its arguments and the function that reads its rows.
type query struct {
	sql  string
	args []any
	read func(pgx.Rows) error
}

// pipeline sends the statement that sets role and tenant, followed by the queries, in one round trip and
// one transaction.
func (t Turn) pipeline(ctx context.Context, p *pgxpool.Pool, queries ...query) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	var batch pgx.Batch
	batch.Queue(setting, role, t.Tenant, timeout)
	for _, q := range queries {
		batch.Queue(q.sql, q.args...)
	}
	results := c.SendBatch(ctx, &batch)
	_, err = results.Exec()
	for _, q := range queries {
		if err != nil {
			break
		}
		rows, queryErr := results.Query()
		if err = queryErr; err == nil {
			err = q.read(rows)
			rows.Close()
			err = errors.Join(err, rows.Err())
		}
	}
	return errors.Join(err, results.Close())
}
