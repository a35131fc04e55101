package pgstore

import (
	"fmt"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestSchemaObjects_public checks that the plugin works in the schema public and grants botyard_app
// no access to tables of other programs there.
func TestSchemaObjects_public(t *testing.T) {
	c := cluster(t)
	name := database(t)
	if _, err := c.Exec(t.Context(), name, "create table public.theirs (x int); create sequence public.numbers"); err != nil {
		t.Fatal(err)
	}
	cfg := config(c.DSN(name))
	cfg.Schema = "public"
	s := open(t, cfg)
	settle(t, s, "t")
	conn := connect(t, c.DSN(name))
	got := column[string](t, conn, `select table_name || ' ' || string_agg(privilege_type, ' ' order by privilege_type)
		from information_schema.role_table_grants where grantee = $1 and table_schema = 'public' group by table_name order by 1`, appRole)
	tables, functions := schemaObjects(migrations)
	if len(got) != len(tables) || len(functions) < 10 {
		t.Errorf("granted are %q; want our %d tables", got, len(tables))
	}
	for _, table := range got {
		if strings.HasPrefix(table, "theirs") || strings.HasPrefix(table, "layout") && table != "layout SELECT" {
			t.Errorf("granted is %s", table)
		}
	}
	missing := column[string](t, conn, `select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
		and relname <> 'theirs' and relname <> all($1)`, tables)
	missing = append(missing, column[string](t, conn, `select proname::text from pg_proc where pronamespace = 'public'::regnamespace
		and proname <> all($1)`, functions)...)
	if len(missing) > 0 {
		t.Errorf("ours, and not known to be: %q", missing)
	}
	// The start of another host must not change the grants again.
	m, err := s.Migrate(t.Context(), storage.MigrateOptions{})
	if err != nil || len(m.Steps) > 0 {
		t.Errorf("once more: %+v, %v", m, err)
	}
	st, _, err := s.inspect(t.Context())
	if err != nil || !st.granted {
		t.Errorf("%+v, %v; want all granted", st, err)
	}
}

// TestOpen_serversOwnSchemas checks that Open refuses the system schemas of PostgreSQL without
// connecting.
func TestOpen_serversOwnSchemas(t *testing.T) {
	for _, schema := range []string{"pg_catalog", "pg_toast", "pg_mine", "information_schema"} {
		t.Run(schema, func(t *testing.T) {
			cfg := config("host=/nowhere")
			cfg.Schema = schema
			s, err := Open(t.Context(), cfg, env())
			if err == nil {
				s.Close()
			}
			if e := fault.Of(err); err == nil || e.Class != fault.Invalid || e.Path.String() != "schema" || !strings.Contains(fmt.Sprint(err), schema) {
				t.Errorf("%s: %v", schema, err)
			}
		})
	}
}
