package pgstore

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

// TestCheckOwnership checks that a login does not use a schema, table or function if another login
// that it does not trust owns it.
func TestCheckOwnership(t *testing.T) {
	c := own(t)
	mark := "_" + unique() // suffix of the role names in this test
	named := strings.NewReplacer("other", "other"+mark, "neighbour", "neighbour"+mark, "fellow", "fellow"+mark, "operator", "operator"+mark,
		"bypasser", "bypasser"+mark, "plain", "plain"+mark).Replace
	for _, sql := range []string{"create role other login", "create role neighbour login", "grant other to neighbour with admin option", "create role fellow", "create role operator login createrole",
		"grant fellow to operator", "create role bypasser login bypassrls", "create role plain login"} {
		if _, err := c.Exec(t.Context(), "", named(sql)); err != nil {
			t.Fatal(err)
		}
	}
	// A login with the admin option on a role can grant the role to another login without that
	// login's consent.
	if _, err := connect(t, c.DSN("")+named(" user=neighbour")).Exec(t.Context(), named("grant other to operator")); err != nil {
		t.Fatal(err)
	}
	const evil = `as $$ begin raise exception 'this must not run'; end $$`
	for _, try := range []struct {
		name, login, sql string
		owner            string // the owner that the fault names; empty if Open must succeed
	}{
		{"schema", "postgres", "create schema botyard authorization other", "other"},
		{"schema_for_a_maker", "operator", "create schema botyard authorization other", "other"},
		{"schema_for_a_bypasser", "bypasser", "create schema botyard authorization other", "other"},
		{"schema_for_anybody", "plain", "create schema botyard authorization other; grant all on schema botyard to plain", "other"},
		{"table", "postgres", "create schema botyard; create table botyard.turns (); alter table botyard.turns owner to other", "other"},
		{"view", "postgres", `create schema botyard; create function botyard.now_1() returns int language plpgsql ` + evil + `;
			create view botyard.layout as select botyard.now_1() as version, 1 as oldest; alter view botyard.layout owner to other`, "other"},
		{"function", "postgres", "create schema botyard; create function botyard.tenant_1() returns text language plpgsql " + evil + `;
			alter function botyard.tenant_1 owner to other`, "other"},
		{"overload", "postgres", "create schema botyard; create function botyard.renew_1(text, text) returns text language plpgsql " + evil + `;
			alter function botyard.renew_1 owner to other`, "other"},
		{"own", "operator", "create schema botyard authorization operator", ""},
		{"superusers", "operator", "create schema botyard; grant all on schema botyard to operator", ""},
		{"fellows", "operator", "create schema botyard authorization fellow; grant all on schema botyard to operator", ""},
		{"others_things", "operator", `create schema botyard authorization operator; create table botyard.theirs ();
			alter table botyard.theirs owner to other`, ""},
		{"none", "postgres", "select 1", ""},
	} {
		t.Run(try.name, func(t *testing.T) {
			name := database(t)
			if _, err := c.Exec(t.Context(), name, named(try.sql)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), config(c.DSN(name)+" user="+named(try.login)), env())
			if err == nil {
				defer s.Close()
			}
			if try.owner == "" {
				if err != nil {
					t.Fatal(err)
				}
				commit(t, s, call("t", "c"), begin(t, s, call("t", "c")))
				return
			}
			if e := fault.Of(err); err == nil || e.Class != fault.Invalid || e.Path.String() != "schema" || !strings.Contains(e.Message, "role "+named(try.owner)+",") {
				t.Errorf("%v; want it refused for what %s owns", err, try.owner)
			}
		})
	}
}
