package pgstore

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

var removedRows = regexp.MustCompile(`Rows Removed by (?:Index Recheck|Filter): (\d+)`)

// TestStatements_claimPlans checks that Claim, Advance and Branch read few rows in a large database,
// whose statistics are older than what it has.
func TestStatements_claimPlans(t *testing.T) {
	c := cluster(t)
	name := database(t)
	s := open(t, config(c.DSN(name)))
	turn(t, s, call("t", "c"))
	for _, sql := range []string{
		`insert into botyard.conversations (tenant, life, id, user_id, last_seq, last_number, followers, created, updated)
			select 't', '', 'c' || n, 'u' || n, 1, 1, 1, '2026-01-01', now() from generate_series(1, 20000) as n`,
		`insert into botyard.turns (tenant, cid, seq, number, state, user_id, messages, started, ended)
			select 't', cid, n, n, 'succeeded', 'u', 1, now(), now() from botyard.conversations, generate_series(2, 5000) as n where id = 'c'`,
		`insert into botyard.cursors (tenant, life, store_key, cid, behind, used) values ('t', '', 'store', 0, false, 1)`,
		`insert into botyard.cursors (tenant, life, store_key, cid, behind, holder)
			select 't', '', 'store', cid, cid % 2 = 0, 'other' from botyard.conversations where followers = 1`,
		`insert into botyard.forgets (tenant, life, store_key, cid, user_id, id, created)
			select 't', '', 'gone', n, '', 'g' || n, now() from generate_series(1, 20000) as n`,
		`insert into botyard.retractions (tenant, cid, seq, from_number, to_number)
			select 't', cid, n, n, n from botyard.conversations, generate_series(1, 20) as n where id like 'c1%'`,
		`analyze`,
		`update botyard.conversations set followers = 1`,
		`update botyard.cursors set behind = false where cid > 5000`,
	} {
		if _, err := c.Exec(t.Context(), name, sql); err != nil {
			t.Fatal(err)
		}
	}
	of := func(id any, key, kind string) []any {
		return []any{"", id, key, "h", "1 min", int32(10), kind, int32(8)}
	}
	cid := column[int64](t, connect(t, c.DSN(name)), `select cid from botyard.conversations where id = 'c1999'`)[0]
	const unclaimed = `update botyard.cursors set holder = 'other', until = now() - interval '2 days' where holder = 'h';
		update botyard.forgets set holder = null, until = '-infinity' where holder = 'h'`
	const most = 40 // rows that a node of a plan may read
	for _, try := range []struct {
		what, sql string
		args      []any
		uses      string
	}{
		{"the cursor and the retractions after it", s.calls.cursor, []any{"", "store", int64(1000), cid}, "retractions_pkey"},
		{"claim", s.calls.claim, of(nil, "store", "all"), "cursors_behind"},
		{"claim of one conversation", s.calls.claim, of("c1999", "store", "all"), "cursors_pkey"},
		{"claim of a conversation that is not behind", s.calls.claim, of("c9999", "store", "all"), "cursors_pkey"},
		{"claim of what is to be forgotten", s.calls.claim, of(nil, "gone", "forget"), "forgets_by_until"},
		{"claim of a conversation to be forgotten", s.calls.claim, of("g7999", "gone", "forget"), "forgets_by_conversation"},
		{"claim of nothing", s.calls.claim, of(nil, "nothing", "forget"), "forgets_by_until"},
		{"advance", s.calls.advance, []any{"", "c1999", cid, "2026-01-01", "store", "h", int64(1), []byte{}, nil, false, ""}, "conversations_by_cid"},
		{"branch", s.calls.branch, []any{"", "d", "u", "c", int64(4000), false, int32(20)}, "turns_succeeded"},
	} {
		t.Run(try.what, func(t *testing.T) {
			plans := explained(t, pgx.QueryExecModeCacheStatement, c.DSN(name), "t", unclaimed, try.sql, try.args...)
			all := strings.Join(plans, "\n")
			if !strings.Contains(all, try.uses) {
				t.Errorf("it does not use %s:\n%s", try.uses, all)
			}
			for _, plan := range plans {
				for _, match := range append(actualRows.FindAllStringSubmatch(plan, -1), removedRows.FindAllStringSubmatch(plan, -1)...) {
					if n, _ := strconv.Atoi(match[1]); n > most {
						t.Errorf("it reads %d rows:\n%s", n, plan)
					}
				}
			}
		})
	}
	// Most of the conversations have no cursor of the other key. A claim makes no more cursors than it needs, in steps.
	if res := claim(t, s, "t", func(r *storage.ClaimRequest) { r.StoreKey, r.Limit = "other", 5 }); len(res.Claimed) != 5 || !res.More {
		t.Errorf("%+v", res)
	}
	if n, err := c.Exec(t.Context(), name, `select count(*) from botyard.cursors where store_key = 'other'`); err != nil || n != "1001" {
		t.Errorf("%s cursors were made, %v; want 1000, and the tenant's own", n, err)
	}
}
