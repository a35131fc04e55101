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

// connections is the size of the pool, as the plugin has it by default.
const connections = 30

// Open opens a pool. Its statements stay prepared, as the plugin's do without a pooler. The caller
// closes it.
func Open(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = connections
	return pgxpool.NewWithConfig(ctx, cfg)
}

// Turn has what a turn writes: the large arguments of its two statements. Those that are null are nil.
type Turn struct {
	Tenant, Incarnation     string
	User                    string
	Message, Replies        string // JSON
	Usage, Metadata, Record *string
	ReplyCount              int32
	Tail                    int32
}

// ReadTurn returns the newest turn of a conversation, as a model for other turns. tail is how many
// messages each of them reads.
func ReadTurn(ctx context.Context, p *pgxpool.Pool, tenant, conversation string, tail int) (Turn, error) {
	t := Turn{Tenant: tenant, Tail: int32(tail)}
	err := p.QueryRow(ctx, `select c.life, t.user_id, t.message::text, t.replies::text, t.messages - 1,
			t.usage::text, t.metadata::text, t.record::text
		from botyard.conversations as c join botyard.turns as t using (cid)
		where c.tenant = $1 and c.id = $2 and t.number is not null order by t.seq desc limit 1`, tenant, conversation).
		Scan(&t.Incarnation, &t.User, &t.Message, &t.Replies, &t.ReplyCount, &t.Usage, &t.Metadata, &t.Record)
	if err != nil {
		return t, fmt.Errorf("a turn of %s/%s: %w", tenant, conversation, err)
	}
	return t, nil
}

// Conversation is a conversation that Run has turns in. The first turn creates it. Only one goroutine at
// a time may use it.
type Conversation struct {
	ID  string
	cid int64 // 0 before the first turn
}

// Run has the turn in a conversation. It makes two round trips.
func (t Turn) Run(ctx context.Context, p *pgxpool.Pool, c *Conversation) error {
	var seq int64
	attempt := rand.Text()
	queries := []query{{begin, []any{t.Incarnation, c.ID, c.cid, t.User, t.Message, t.Metadata, "bare", lease * time.Second, attempt, false}, oneRow(&seq)},
		{newest, []any{int64(t.Tail), int64(sdk.MaxTailBytes), c.cid}, func(rows pgx.Rows) error {
			for rows.Next() { // received, but not decoded
			}
			return nil
		}}}
	if c.cid == 0 {
		var kind string
		row := []any{&kind, &c.cid, &seq, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil, nil}
		queries = []query{{first, []any{t.Incarnation, c.ID, t.User, t.Message, t.Metadata, t.Tail, "bare", lease * time.Second, nil, nil, attempt, false}, oneRow(row...)}}
	}
	if err := t.pipeline(ctx, p, queries...); err != nil {
		return fmt.Errorf("begin in %s: %w", c.ID, err)
	}
	var number int64
	err := t.pipeline(ctx, p, query{commit, []any{t.Incarnation, c.ID, c.cid, seq, "succeeded", "", t.Replies, t.ReplyCount, t.Usage, t.Record}, oneRow(&number)})
	if err != nil {
		return fmt.Errorf("commit in %s: %w", c.ID, err)
	}
	return nil
}

// oneRow reads a row that must exist.
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

// pipeline sends the queries after the one that sets role and tenant, in one round trip and one
// transaction.
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
