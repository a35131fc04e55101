package pgstore

import (
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestFunctionsOfOthers: what other logins of the database may make, in places where
// Postgres looks for functions by itself, is never run with what our login may do.
func TestFunctionsOfOthers(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	c := connect(t, dsn)
	login := column[string](t, c, `select current_user::text`)[0]
	for _, schema := range []string{"public", login, appRole} {
		schema = pgx.Identifier{schema}.Sanitize()
		// They fit better than Postgres' own, so they are taken wherever they are seen.
		for _, signature := range []string{"hashtextextended(text, int) returns bigint", "cardinality(timestamptz[]) returns int",
			"cardinality(bigint[]) returns int"} {
			_, err := c.Exec(t.Context(), `create schema if not exists `+schema+`; grant usage on schema `+schema+` to public;
				create function `+schema+`.`+signature+` language plpgsql as $$ begin raise exception 'this must not run'; end $$`,
				pgx.QueryExecModeSimpleProtocol)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := c.Exec(t.Context(), `select hashtextextended('x', 0)`); err == nil {
		t.Fatal("the functions are not found, so this test shows nothing")
	}
	s := open(t, config(dsn)) // makes the tables with the functions there
	for range 3 {             // statements are prepared from the second on
		id := call("a", "c")
		id.Incarnation = "life"
		commit(t, s, id, begin(t, s, id))
	}
	settle(t, s, "a")
	if _, err := s.ListTenants(t.Context(), "", 10); err != nil {
		t.Error(err)
	}
}
