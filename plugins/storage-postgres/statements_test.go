package pgstore

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// explained runs a statement of the plugin several times, until the server uses its final plan. It
// returns the plans of all statements in the last run, including statements inside of functions.
// Before each run it executes the statement before.
func explained(t *testing.T, mode pgx.QueryExecMode, dsn, tenant, before, sql string, args ...any) []string {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var plans []string
	cfg.DefaultQueryExecMode = mode
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if strings.Contains(n.Message, "plan:") {
			plans = append(plans, n.Message)
		}
	}
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	// The error is ignored, because the test does not use the connection again.
	defer func() { _ = c.Close(context.Background()) }()
	for _, set := range []string{"load 'auto_explain'", "set auto_explain.log_min_duration = 0", "set auto_explain.log_nested_statements = on",
		"set auto_explain.log_analyze = on", "set auto_explain.log_timing = off", "set client_min_messages = log"} {
		if _, err := c.Exec(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	// The server makes a custom plan for each of the first five runs. After that it may use a
	// generic plan.
	for range 8 {
		if _, err := c.Exec(t.Context(), before); err != nil {
			t.Fatal(err)
		}
		plans = nil
		var batch pgx.Batch
		batch.Queue(setting, appRole, tenant, "10000")
		batch.Queue(sql, args...)
		if err := readResults(c.SendBatch(t.Context(), &batch), []query{{scan: discardRows}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(plans) == 0 {
		t.Fatal("the server explained nothing")
	}
	return plans
}

var actualRows = regexp.MustCompile(`actual rows=(\d+)`)

// TestStatements_plans checks the plans of the statements in a large database. Each plan must use
// an index and read no more rows than necessary. The test does not measure time, because time
// varies too much on a busy machine.
func TestStatements_plans(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	commit(t, s, call("t", "c"), begin(t, s, call("t", "c"), keyed("k")))
	for _, sql := range []string{
		`insert into botyard.conversations (tenant, life, id, user_id, last_seq, last_number, created, updated)
			select 't', '', 'c' || n, 'u', 0, 0, now(), now() from generate_series(1, 20000) as n`,
		`insert into botyard.turns (tenant, cid, seq, number, state, user_id, message, replies, messages, started, ended, guest)
			select 't', (select cid from botyard.conversations where id = 'c'), n, case when n % 10 > 0 then n - n / 10 end,
				case when n % 10 > 0 then 'succeeded' else 'failed' end, 'u', '{"role":"user","parts":[{}]}', '[{"role":"assistant","parts":[{}]}]', 2, now(), now(), false
			from generate_series(2, 30000) as n`,
		`insert into botyard.turns (tenant, cid, seq, number, state, user_id, message, messages, started, ended, guest)
			select 't', cid, 1, 1, 'succeeded', 'u', '{"role":"user","parts":[{}]}', 1, now(), now(), false from botyard.conversations where id <> 'c'`,
		`update botyard.conversations set last_seq = 30000, last_number = 27000 where id = 'c'`,
		`analyze`,
	} {
		if _, err := c.Exec(t.Context(), name, sql); err != nil {
			t.Fatal(err)
		}
	}
	const tail = 20
	begun := []any{"", "c", "u", `{"role":"user","parts":[{}]}`, nil, "h", "0 s", nil, nil, "b", true, []byte{0}, int32(1), int64(0)}
	keyedArgs := []any{"", "c", "u", `{"role":"user","parts":[{}]}`, nil, "h", "0 s", "other", []byte("d"), nil, true, []byte{0}, int32(1), int64(0)}
	const most = int64(1 << 20)
	const (
		again = `update botyard.conversations set running_seq = 30000, running_attempt = 'b', running_until = now() where id = 'c'`
		free  = `update botyard.conversations set running_seq = null where id = 'c'`
		held  = `update botyard.conversations set running_seq = 30000, running_attempt = 'a', running_until = now() where id = 'c'`
	)
	cid := column[int64](t, connect(t, c.DSN(name)), `select cid from botyard.conversations where id = 'c'`)[0]
	for _, try := range []struct {
		what   string
		before string
		sql    string
		args   []any
		rows   int // maximum number of rows in any node of a plan
		uses   string
	}{
		{"begin where it is free", free, s.calls.beginFast, []any{"", "c", cid, "u", `{"role":"user","parts":[{}]}`, nil, "h", "0 s", "a", true, []byte{0}, int32(1)}, 1, "conversations_by_cid"},
		{"the tail", "", s.calls.tail, []any{int64(tail), most, cid}, tail / 2, "Index Scan Backward using turns_succeeded"},
		{"commit of what is held", held, s.calls.commitFast, []any{"", "c", cid, int64(30000), "failed", "", "[]", int32(1), nil, nil, []byte{0}}, 1, "conversations_by_cid"},
		{"begin", held, s.calls.begin, begun, 1, "conversations_pkey"},
		{"the tail behind it", again, s.calls.tailOf, []any{int64(tail), most, "", "c", "b"}, tail / 2, "Index Scan Backward using turns_succeeded"},
		{"begin with a key", held, s.calls.begin, keyedArgs, 1, "turns_by_key"},
		{"commit", held, s.calls.commit, []any{"", "c", int64(1), int64(1), "succeeded", "", "[]", int32(1), nil, nil, []byte{0}}, 1, "conversations_pkey"},
		{"read", held, s.calls.read, []any{"", "c", int64(15000), int64(50), most, true, "u"}, 51, "turns_succeeded"},
		{"read all", held, s.calls.readAll, []any{"", "c", int64(15000), int64(50), most, true, "u"}, 51, "turns_pkey"},
		{"list", held, s.calls.list, []any{"", "c5", int64(51)}, 51, "conversations_pkey"},
		{"list of what a user wrote", held, s.calls.listWrote, []any{"", "c5", int64(51), "u"}, 51, "conversations_by_user"},
		{"renewal", "", s.calls.renew, []any{[]string{"h", "i", "j"}, "0 s"}, 3, "holders_pkey"},
		{"list of a user", held, s.calls.listUser, []any{"", "c5", int64(51), "u"}, 51, "conversations_by_user"},
	} {
		t.Run(try.what, func(t *testing.T) {
			plans := explained(t, pgx.QueryExecModeExec, c.DSN(name), "t", try.before, try.sql, try.args...)
			plans = append(plans, explained(t, pgx.QueryExecModeCacheStatement, c.DSN(name), "t", try.before, try.sql, try.args...)...)
			all := strings.Join(plans, "\n")
			if !strings.Contains(all, try.uses) {
				t.Errorf("%s does not use %s:\n%s", try.what, try.uses, all)
			}
			for _, plan := range plans {
				if strings.Contains(plan, "Seq Scan on turns") || strings.Contains(plan, "Seq Scan on conversations") || strings.Contains(plan, "Bitmap") {
					t.Errorf("%s reads a whole table, or all that an index finds:\n%s", try.what, plan)
				}
				for _, match := range actualRows.FindAllStringSubmatch(plan, -1) {
					if n, _ := strconv.Atoi(match[1]); n > try.rows && !strings.Contains(plan, "Function Scan") {
						t.Errorf("%s looks at %d rows; want at most %d:\n%s", try.what, n, try.rows, plan)
					}
				}
				if strings.Contains(plan, "Rows Removed") && !strings.Contains(plan, "Rows Removed by Filter: 0") {
					t.Errorf("%s reads rows that it does not need:\n%s", try.what, plan)
				}
			}
		})
	}
	res := begin(t, s, call("t", "c"))
	if res.Started == nil || len(res.Started.Tail) != 5 {
		t.Errorf("%+v", res)
	}
}

// TestStatements_tailWithoutStatistics checks that PostgreSQL reads a tail in the order of an index
// even if it has no statistics of the tables. Without statistics the planner expects few turns, and
// would sort them.
func TestStatements_tailWithoutStatistics(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	commit(t, s, call("t0", "c0"), begin(t, s, call("t0", "c0")))
	for _, sql := range []string{
		`insert into botyard.conversations (tenant, life, id, user_id, last_seq, last_number, running_attempt, created, updated)
			select 't' || n % 8, '', 'c' || n, 'u', 150, 150, 'a', now(), now() from generate_series(1, 63) as n`,
		`insert into botyard.turns (tenant, cid, seq, number, state, user_id, message, replies, messages, started, ended)
			select tenant, cid, n, n, 'succeeded', 'u', '{"role":"user","parts":[{}]}', ('[{"role":"assistant","parts":[{"text":"' || repeat('word ', 64) || '"}]}]')::json, 2, now(), now()
			from generate_series(2, 150) as n, botyard.conversations order by n, cid`,
	} {
		if _, err := c.Exec(t.Context(), name, sql); err != nil {
			t.Fatal(err)
		}
	}
	cid := column[int64](t, connect(t, c.DSN(name)), `select cid from botyard.conversations where id = 'c8'`)[0]
	const most = int64(1 << 20)
	for what, plans := range map[string][]string{
		"the tail":                   explained(t, pgx.QueryExecModeCacheStatement, c.DSN(name), "t0", "", s.calls.tail, int64(10), most, cid),
		"the tail of a conversation": explained(t, pgx.QueryExecModeCacheStatement, c.DSN(name), "t0", "", s.calls.tailOf, int64(10), most, "", "c8", "a"),
	} {
		t.Run(what, func(t *testing.T) {
			all := strings.Join(plans, "\n")
			if !strings.Contains(all, "Index Scan Backward using turns_succeeded") || strings.Contains(all, "Sort") {
				t.Errorf("%s sorts:\n%s", what, all)
			}
		})
	}
}
