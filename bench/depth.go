package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/botyard/botyard/bench/internal/fill"
	"github.com/botyard/botyard/bench/internal/hostproc"
	"github.com/botyard/botyard/bench/internal/procfs"
	"github.com/botyard/botyard/bench/internal/report"
	pgstore "github.com/botyard/botyard/plugins/storage-postgres"
	sqlitestore "github.com/botyard/botyard/plugins/storage-sqlite"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// depth measures Begin in a short conversation and in a very long one. It calls the packages of the
// storage plugins in this process, because the cost of calls between processes would hide the difference.
func (b *bench) depth(ctx context.Context) error {
	if err := b.depthOfSQLite(ctx); err != nil {
		return err
	}
	return b.depthOfPostgres(ctx)
}

func (b *bench) depthOfSQLite(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "yd")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := sqlitestore.Open(sqlitestore.Config{Path: filepath.Join(dir, "depth.db")}, sdk.Env{Log: hclog.NewNullLogger()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := depthComparison{
		name: "sqlite", store: s, shallow: b.scale.shallow, deep: b.scale.deepSQLite,
		fill:  func(call sdk.Call, messages int) error { return fill.Turns(ctx, s, call, messages) },
		bytes: func() (int64, error) { return folderBytes(dir) },
	}
	return d.measure(ctx, b)
}

// folderBytes returns the sum of the sizes of all files in a folder.
func folderBytes(dir string) (sum int64, err error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return 0, err
		}
		sum += info.Size()
	}
	return sum, nil
}

func (b *bench) depthOfPostgres(ctx context.Context) (err error) {
	b.logf("depth: starting Postgres")
	db, err := b.startPostgres(ctx)
	if db == nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// With synchronous commits a Begin would wait for the disk in both conversations, and the equal wait
	// would hide the difference.
	_, err = db.pool.Exec(ctx, `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`)
	if err != nil {
		return err
	}
	var cfg pgstore.Config
	if err := schema.Decode(pgstore.Plugin().Info.ConfigSchema, fmt.Appendf(nil, `{"dsn": %q}`, db.DSN("")), &cfg); err != nil {
		return err
	}
	s, err := pgstore.Open(ctx, cfg, sdk.Env{Log: hclog.NewNullLogger()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := depthComparison{
		name: "postgres", store: s, shallow: b.scale.shallow, deep: b.scale.deepPostgres,
		fill: func(call sdk.Call, messages int) error { return fill.PostgresTurns(ctx, s, db.pool, call, messages) },
		bytes: func() (n int64, err error) {
			err = db.pool.QueryRow(ctx, `select pg_database_size(current_database())`).Scan(&n)
			return n, err
		},
	}
	return d.measure(ctx, b)
}

// depthComparison compares a short conversation with a long conversation of one storage.
type depthComparison struct {
	name          string
	store         storage.Storage
	shallow, deep int // lengths of the conversations in messages
	fill          func(call sdk.Call, messages int) error
	bytes         func() (int64, error) // size of the database on disk
}

// cost is the elapsed time of a Begin, the elapsed time of a Commit, and the CPU time that this process
// used for the Begin.
type cost struct{ begin, commit, cpu time.Duration }

// measure runs turns in the short and in the long conversation alternately, in scale.runs runs. Each run
// uses a new short conversation, because turns lengthen a short conversation by a few percent.
func (d depthComparison) measure(ctx context.Context, b *bench) error {
	call := func(of string) sdk.Call {
		return sdk.Call{Tenant: hostproc.TenantID(0), Incarnation: "incarnation", Conversation: of}
	}
	b.logf("depth: filling a conversation of %s with %d messages", d.name, d.deep)
	start := time.Now()
	if err := d.fill(call("deep"), d.deep); err != nil {
		return err
	}
	took := time.Since(start)
	size, err := d.bytes()
	if err != nil {
		return err
	}
	for run := range b.scale.runs {
		if err := d.fill(call(fmt.Sprintf("shallow-%d", run)), d.shallow); err != nil {
			return err
		}
	}
	b.logf("depth: turns in conversations of %s", d.name)
	type pair struct{ shallow, deep cost }
	var all []pair
	for run := range b.scale.runs {
		shallow, deep, err := d.turnPairs(ctx, b.scale.turnPairs, call(fmt.Sprintf("shallow-%d", run)), call("deep"))
		if err != nil {
			return err
		}
		all = append(all, pair{shallow, deep})
	}
	us := func(f func(pair) time.Duration) float64 {
		return medianOf(all, func(p pair) float64 { return float64(f(p).Nanoseconds()) / 1000 })
	}
	ratio := func(f func(cost) time.Duration) float64 {
		return medianOf(all, func(p pair) float64 { return float64(f(p.deep)) / float64(f(p.shallow)) })
	}
	begin := func(c cost) time.Duration { return c.begin }
	cpu := func(c cost) time.Duration { return c.cpu }
	b.report.Depth = append(b.report.Depth,
		report.Depth{
			Storage: d.name, Messages: d.shallow, Times: 1, TimesCPU: 1,
			Begin:  us(func(p pair) time.Duration { return p.shallow.begin }),
			Commit: us(func(p pair) time.Duration { return p.shallow.commit }),
			CPU:    us(func(p pair) time.Duration { return p.shallow.cpu }),
		},
		report.Depth{
			Storage: d.name, Messages: d.deep, Times: ratio(begin), TimesCPU: ratio(cpu), Setup: took.Seconds(), Bytes: size,
			Begin:  us(func(p pair) time.Duration { return p.deep.begin }),
			Commit: us(func(p pair) time.Duration { return p.deep.commit }),
			CPU:    us(func(p pair) time.Duration { return p.deep.cpu }),
		})
	return nil
}

// turnPairs runs n turns in each of two conversations, alternately. It returns the median costs of the
// shallow conversation and of the deep conversation.
func (d depthComparison) turnPairs(ctx context.Context, n int, shallow, deep sdk.Call) (cost, cost, error) {
	var costs [2][]cost
	for i := range 2 * n {
		which := (i + i/2) % 2 // The order changes from pair to pair.
		c, err := d.turn(ctx, []sdk.Call{shallow, deep}[which])
		if err != nil {
			return cost{}, cost{}, err
		}
		costs[which] = append(costs[which], c)
	}
	return medianCost(costs[0]), medianCost(costs[1]), nil
}

// turn runs one turn and returns its cost.
func (d depthComparison) turn(ctx context.Context, call sdk.Call) (cost, error) {
	const tail = hostproc.MaxMessages
	cpu, start := procfs.OwnCPU(), time.Now()
	b, err := d.store.Begin(ctx, &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "And now?")), Tail: tail, Holder: "bench", Lease: time.Minute, Attempt: rand.Text(),
	})
	if err != nil {
		return cost{}, err
	}
	c := cost{begin: time.Since(start), cpu: procfs.OwnCPU() - cpu}
	if b.Started == nil || len(b.Started.Tail) != tail {
		return cost{}, fmt.Errorf("a Begin in %s answered %+v", call.Conversation, b)
	}
	start = time.Now()
	_, err = d.store.Commit(ctx, &storage.CommitRequest{
		Call: call, Fence: b.Started.Fence, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "Wait.")),
	})
	c.commit = time.Since(start)
	return c, err
}

// medianCost returns the medians of begin, of commit and of cpu.
func medianCost(all []cost) cost {
	m := func(f func(cost) time.Duration) time.Duration {
		slices.SortFunc(all, func(a, b cost) int { return cmp.Compare(f(a), f(b)) })
		return f(all[len(all)/2])
	}
	return cost{
		begin:  m(func(c cost) time.Duration { return c.begin }),
		commit: m(func(c cost) time.Duration { return c.commit }),
		cpu:    m(func(c cost) time.Duration { return c.cpu }),
	}
}
