package pgstore

import (
	"context"
	"strings"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// appRole does all work on tenants' data if the login may set it. It cannot log in, owns
// nothing, and row-level security applies to it.
const appRole = "botyard_app"

// ensureRole makes appRole, makes the login a member of it and grants it our tables and
// functions, as far as the login may. What it did is added to m.
func (s *Store) ensureRole(ctx context.Context, tx pgx.Tx, st *databaseState, m *storage.Migration) error {
	if st.granted && st.member && len(m.Steps) == 0 {
		return nil
	}
	if !st.super && !st.creates && !st.member {
		return nil // the login works as itself, and owns what it made
	}
	try := func(sql string) error {
		_, err := tx.Exec(ctx, strings.NewReplacer("@schema@", s.schema, "@role@", appRole).Replace(sql), pgx.QueryExecModeSimpleProtocol)
		return err
	}
	if !st.role {
		// Roles belong to all databases of a server. Hosts of another database may make the
		// role at the same moment.
		err := try(`do $$ begin
				create role @role@ nologin nosuperuser nobypassrls nocreaterole nocreatedb noinherit;
			exception when duplicate_object or unique_violation then null; end $$`)
		if err != nil {
			return err
		}
		m.Steps = append(m.Steps, "make the role "+appRole)
	}
	if !st.member {
		// On newer servers a login with CREATEROLE may not set a role that another login
		// made. Then it goes on without.
		if err := try(`do $$ begin grant @role@ to current_user; exception when insufficient_privilege then null; end $$`); err != nil {
			return err
		}
	}
	tables, functions := schemaObjects(s.migrations)
	var grants string
	if err := tx.QueryRow(ctx, grantSQL, s.cfg.Schema, tables, functions, schemaVersionTable, appRole).Scan(&grants); err != nil {
		return err
	}
	return try(`grant usage on schema @schema@ to @role@;` + grants)
}

// grantSQL returns the grants for those of our tables and functions that exist. Tables of
// other programs in the same schema are not granted.
const grantSQL = `select coalesce(string_agg(g, ';'), '') from (
	select format('grant %s on table %I.%I to %I',
			case when c.relname = $4 then 'select' else 'select, insert, update, delete' end, n.nspname, c.relname, $5::text)
		from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = any($2)
	union all
	select format('grant execute on function %s to %I', p.oid::regprocedure, $5::text)
		from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = $1 and p.proname = any($3)) as all_of (g)`
