package sqlitestore

import (
	"database/sql"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStatements_plans reads SQLite's query plan of each statement of the plugin. It checks that
// each statement uses an index and does not sort, so that its cost does not grow with the data.
func TestStatements_plans(t *testing.T) {
	s := openStore(t, t.TempDir())
	everything(t, s)
	var all []string
	collect := func(of *session) error {
		all = append(all, slices.Collect(maps.Keys(of.stmts))...)
		return nil
	}
	if err := s.writer.outside(t.Context(), collect); err != nil {
		t.Fatal(err)
	}
	for range readerCount {
		if err := s.readers.do(t.Context(), collect); err != nil {
			t.Fatal(err)
		}
	}
	// Statements may scan these tables and indexes. The index conversations_deleted rarely has more
	// than a few entries, and the janitor scans it once an hour. The table holders has about one
	// row for each running turn, and each renewal scans it.
	allowed := []string{"SCAN c USING INDEX conversations_deleted", "SCAN c USING COVERING INDEX conversations_deleted", "SCAN holders", "SCAN sqlite_master"}
	// A statement may scan the rows of a subquery, because the subquery has found these rows by an
	// index.
	found := func(step string) bool { return strings.HasPrefix(step, "SCAN (subquery-") }
	slices.Sort(all)
	checked := 0
	for _, query := range slices.Compact(all) {
		switch verb, _, _ := strings.Cut(query, " "); verb {
		case "SELECT", "UPDATE", "DELETE", "INSERT":
		default:
			continue
		}
		checked++
		err := s.readers.do(t.Context(), func(r *session) error {
			args := make([]any, strings.Count(query, "?"))
			return r.each(func(rows *sql.Rows) (bool, error) {
				var id, parent, unused int
				var step string
				if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
					return false, err
				}
				if (strings.HasPrefix(step, "SCAN") && step != "SCAN CONSTANT ROW" || strings.Contains(step, "TEMP B-TREE")) && !slices.Contains(allowed, step) && !found(step) {
					t.Errorf("%s\n\t%s", step, query)
				}
				return true, nil
			}, "EXPLAIN QUERY PLAN "+query, args...)
		})
		if err != nil {
			t.Errorf("%v\n\t%s", err, query)
		}
	}
	if checked < 40 {
		t.Errorf("only %d statements were looked at", checked)
	}
}

// everything makes calls that execute each statement of the Store at least once.
func everything(t *testing.T, s *Store) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	end(t, s, begin(t, s, keyed("k")))
	begin(t, s, keyed("k"))
	once := func(r *storage.BeginRequest) { r.Attempt, r.Lease = "a", time.Nanosecond }
	begin(t, s, once)
	begin(t, s, once)
	end(t, s, begin(t, s))
	must(s.Renew(ctx, []string{"h", "i"}, time.Second))
	for _, all := range []bool{false, true} {
		_, err := s.Read(ctx, &storage.ReadRequest{Call: call, Limit: 10, All: all})
		must(err)
	}
	turn := storage.Turn{Sequence: 4, State: storage.Failed, Messages: storage.EncodeMessages(chat.Message{}), StartedAt: time.Now(), EndedAt: time.Now()}
	_, err := s.Import(ctx, &storage.ImportRequest{Call: call, Turns: []storage.Turn{turn}})
	must(err)
	end(t, s, begin(t, s, retracting(1), func(r *storage.BeginRequest) { r.CursorKey = "store" }))
	_, err = s.Branch(ctx, branchRequest(0))
	must(err)
	_, err = s.Branch(ctx, branchRequest(0))
	must(err)
	for _, kind := range []storage.ClaimKind{storage.ClaimAll, storage.ClaimWork} {
		req := claimRequest("h")
		req.Kind = kind
		for _, k := range claim(t, s, req).Claimed {
			advance(t, s, k, "h", 1)
		}
	}
	req := claimRequest("h")
	req.Call = call
	claim(t, s, req)
	user, tenant := call, call
	user.Conversation = ""
	tenant.Conversation, tenant.User = "", ""
	for _, c := range []storage.ListRequest{{Call: user, Limit: 1}, {Call: user, Limit: 1, Wrote: true}, {Call: tenant, Limit: 1}} {
		_, err := s.List(ctx, &c)
		must(err)
	}
	for _, scope := range []storage.Scope{{Call: call}, {Call: call, Owned: true}, {Call: user}, {Call: tenant, Tenant: true}} {
		for _, before := range []time.Time{time.Now().Add(time.Hour), {}} {
			for range 2 {
				end(t, s, begin(t, s))
			}
			turnsOf(t, s, "shared", call.User, "guest")
			turnsOf(t, s, "guest's", "guest", call.User)
			scope.Before, scope.Limit = before, 1
			for more := true; more; {
				d, err := s.Delete(ctx, scope)
				must(err)
				more = d.More
			}
		}
	}
	for _, k := range claimAll(t, s, "h") {
		advance(t, s, k, "h", 1)
	}
	named := tenant
	named.Incarnation = "life"
	_, err = s.Delete(ctx, storage.Scope{Call: named, Tenant: true})
	must(err)
	for v := range int64(2) {
		_, err := s.PutTenant(ctx, &storage.PutTenantRequest{Tenant: "t", IfVersion: v, State: storage.TenantActive, Attempt: time.Now().String()})
		must(err)
	}
	_, err = s.GetTenants(ctx, []string{"t"})
	must(err)
	_, err = s.ListTenants(ctx, "", 1)
	must(err)
	_, err = s.TenantHistory(ctx, "t", 0, 1)
	must(err)
	_, err = s.TenantChanges(ctx, 0, 1)
	must(err)
	must(s.janitor.finishDeletions(ctx))
}
