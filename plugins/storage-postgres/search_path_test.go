package pgstore

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestOwnPath_functionsOfOthers checks that the plugin does not run functions that other logins
// have created in the default search path.
func TestOwnPath_functionsOfOthers(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	c := connect(t, dsn)
	login := column[string](t, c, `select current_user::text`)[0]
	for _, schema := range []string{"public", login, appRole} {
		schema = pgx.Identifier{schema}.Sanitize()
		// These functions match the argument types better than PostgreSQL's own functions. So
		// PostgreSQL would choose them if their schema were in the search path.
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
	s := open(t, config(dsn)) // the migration runs while these functions exist
	for range 3 {             // from its second execution on, a statement is prepared
		id := call("a", "c")
		id.Incarnation = "life"
		commit(t, s, id, begin(t, s, id))
	}
	settle(t, s, "a")
	if _, err := s.ListTenants(t.Context(), "", 10); err != nil {
		t.Error(err)
	}
}

// TestStatements_overloads checks that the plugin does not run overloads of its functions that
// another login has created in the schema of the plugin.
func TestStatements_overloads(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	s := open(t, config(dsn))
	c := connect(t, dsn)
	const evil = ` language plpgsql as $$ begin raise exception 'this must not run'; end $$`
	for _, signature := range []string{
		"renew_1(text, text) returns void", "renew_1(a text, b text, c text default '') returns void",
		"sweep_1(text, text, text, text) returns text", "unlink_1(text, text, text, text, text) returns text", "unlink_2(text, text, text, text, text) returns text",
		"commit_2(text, text, text, text, text, text, text, text, text, text, text) returns text",
		"commit_2(text, text, text, text, text, text, json, text, json, json, bytea) returns text",
		"begin_4(text, text, text, json, json, text, text, text, text, text, text, bytea, text, text) returns text",
		"import_4(text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text) returns text",
		"branch_1(text, text, text, text, text, text, text) returns text", "claim_1(text, text, text, text, text, text, text) returns text",
		"advance_1(text, text, text, text, text, text, text, text, text, text, text) returns text", "know_1(varchar, varchar) returns boolean",
		"put_1(text, text, text, text, text, text, text, text, text) returns text",
		"alive_1(varchar, timestamp) returns boolean", "take_1(varchar, varchar, varchar) returns botyard.conversations",
	} {
		if _, err := c.Exec(t.Context(), `create function botyard.`+signature+evil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Exec(t.Context(), `select botyard.renew_1('h', '1 s')`); err == nil {
		t.Fatal("the functions are not found, so this test shows nothing")
	}
	for range 3 { // from its second execution on, a statement is prepared
		commit(t, s, call("a", "c"), begin(t, s, call("a", "c")))
		if err := s.Renew(t.Context(), []string{"h"}, time.Minute); err != nil {
			t.Error(err)
		}
	}
	settle(t, s, "a")
}
