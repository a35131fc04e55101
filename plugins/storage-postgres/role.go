package pgstore

import (
	"context"
	"strings"

	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// appRole is the role that reads and writes the data of tenants, if the login may switch to it. The
// role cannot log in and owns no objects, and row-level security applies to it.
const appRole = "botyard_app"

// ensureRole creates appRole, grants it to the login, and grants appRole the tables and functions
// of the plugin. It leaves out what the login is not permitted to do. It appends a description of
// its changes to m.Steps.
func (s *Store) ensureRole(ctx context.Context, tx pgx.Tx, st *databaseState, m *storage.Migration) error {
	if st.granted && st.member && len(m.Steps) == 0 {
		return nil
	}
	if !st.super && !st.creates && !st.member {
		return nil // the login does the work itself and owns the tables
	}
	try := func(sql string) error {
		_, err := tx.Exec(ctx, strings.NewReplacer("@schema@", s.schema, "@role@", appRole).Replace(sql), pgx.QueryExecModeSimpleProtocol)
		return err
	}
	if !st.role {
		// A role belongs to all databases of a server. A host that uses another database of the
		// server may create the role at the same time.
		err := try(`do $$ begin
				create role @role@ nologin nosuperuser nobypassrls nocreaterole nocreatedb noinherit;
			exception when duplicate_object or unique_violation then null; end $$`)
		if err != nil {
			return err
		}
		m.Steps = append(m.Steps, "make the role "+appRole)
	}
	if !st.member {
		// Since PostgreSQL 16, a login with CREATEROLE cannot grant a role that another login has
		// created. The login then does the work without appRole.
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

// grantSQL is a query that returns the grant statements for all existing tables and functions of
// the plugin. It leaves out tables and functions of other programs in the same schema.
const grantSQL = `select coalesce(string_agg(g, ';'), '') from (
	select format('grant %s on table %I.%I to %I',
			case when c.relname = $4 then 'select' else 'select, insert, update, delete' end, n.nspname, c.relname, $5::text)
		from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = any($2)
	union all
	select format('grant execute on function %s to %I', p.oid::regprocedure, $5::text)
		from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = $1 and p.proname = any($3)) as all_of (g)`
