package pgstore

import (
	"fmt"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk/fault"
)

// TestWorkingRole_logins checks which role a Store works as for logins with different rights, and
// which logins Open refuses.
func TestWorkingRole_logins(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{NoSync: true, Own: true}) // the test needs a cluster without other roles
	for _, try := range []struct {
		name, sql string // sql creates the login %[1]s for the database %[2]s
		// role is the expected role of the Store. It is empty if Open must refuse the login.
		role    string
		refused bool
	}{
		{"plain_alone", `create role %[1]s login; alter database %[2]s owner to %[1]s`, "none", false},
		{"bypass_alone", `create role %[1]s login bypassrls; alter database %[2]s owner to %[1]s`, "", true},
		{"no_schema", `create role %[1]s login`, "", true},
		{"maker", `create role %[1]s login createrole; alter database %[2]s owner to %[1]s`, appRole, false},
		{"plain_later", `create role %[1]s login; alter database %[2]s owner to %[1]s`, "none", false},
		{"given_schema", `create role %[1]s login; create schema botyard authorization %[1]s`, "none", false},
		{"member", `create role %[1]s login; alter database %[2]s owner to %[1]s; grant botyard_app to %[1]s`, appRole, false},
		{"bypass_member", `create role %[1]s login bypassrls; alter database %[2]s owner to %[1]s; grant botyard_app to %[1]s`, appRole, false},
	} {
		t.Run(try.name, func(t *testing.T) {
			if err := c.CreateDatabase(t.Context(), "d_"+try.name); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exec(t.Context(), "d_"+try.name, fmt.Sprintf(try.sql, try.name, "d_"+try.name)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), config(c.DSN("d_"+try.name)+" user="+try.name), env())
			if try.refused {
				if !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "dsn" { // the DSN has the user name
					t.Errorf("%v; want it refused", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if b, err := s.ready(t.Context()); err != nil || b.role != try.role {
				t.Errorf("it works as %+v, %v; want %s", b, err, try.role)
			}
			settle(t, s, "t")
			commit(t, s, call("t", "c"), begin(t, s, call("t", "c")))
		})
	}
	// A superuser may run functions of another login only after an administrator has made the
	// superuser a member of the role of that login.
	if s, err := Open(t.Context(), config(c.DSN("d_plain_alone")), env()); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "schema" {
		t.Errorf("%v, %v; want a superuser not to start in another login's schema", s, err)
	}
	if _, err := c.Exec(t.Context(), "", "grant plain_alone to postgres"); err != nil {
		t.Fatal(err)
	}
	super := open(t, config(c.DSN("d_plain_alone")))
	if b, err := super.ready(t.Context()); err != nil || b.role != appRole {
		t.Errorf("a superuser works as %+v, %v", b, err)
	}
	commit(t, super, call("t", "c"), begin(t, super, call("t", "c")))
	// Open must refuse to work as a role that bypasses row-level security.
	if _, err := c.Exec(t.Context(), "", "alter role botyard_app bypassrls"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), config(c.DSN("d_maker")), env()); !fault.Is(err, fault.Invalid) {
		t.Errorf("with a role that bypasses row-level security: %v", err)
	}
}
