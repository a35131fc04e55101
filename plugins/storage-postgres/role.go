package pgstore

import (
	"context"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

// appRole does all work on tenants' data where the login may take it on. It cannot log in,
// owns nothing, and no row-level security is lifted for it.
const appRole = "botyard_app"

// layoutTable says which layout there is. The role only reads it.
const layoutTable = "layout"

// base is what was found out about the database, and serves all calls.
type base struct {
	role   string // for set_config: appRole, or none for the login itself
	pooled bool   // a pooler is between
}

// state is what a look at the database says.
type state struct {
	schema  bool // is there
	layout  int  // 0: none
	oldest  int
	super   bool // the login
	bypass  bool
	creates bool // roles
	role    bool // is there
	unsafe  bool // the role is one that row-level security does not hold
	member  bool // the login may take the role on
	granted bool // the role may use the schema, our tables and functions
	backend uint32
}

const looking = `select
	n.oid is not null, l.rolsuper, l.rolbypassrls, l.rolcreaterole,
	r.oid is not null, coalesce(r.rolsuper or r.rolbypassrls, false),
	coalesce(pg_has_role(l.oid, r.oid, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end), false),
	coalesce(has_schema_privilege(r.oid, n.oid, 'usage'), false) and not exists (
		select from pg_class as c where c.relnamespace = n.oid and c.relname = any($3) and not has_table_privilege(r.oid, c.oid, 'select')
		union all
		select from pg_proc as p where p.pronamespace = n.oid and p.proname = any($4) and not has_function_privilege(r.oid, p.oid, 'execute')),
	to_regclass($1) is not null, pg_backend_pid()
	from pg_roles as l left join pg_roles as r on r.rolname = '` + appRole + `' left join pg_namespace as n on n.nspname = $2
	where l.rolname = current_user`

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// look asks for the state, and refuses a schema that others have a say in.
func (s *Store) look(ctx context.Context, q querier) (*state, error) {
	// Before anything of the schema is read: even a view could run what its owner wants.
	if err := s.owned(ctx, q); err != nil {
		return nil, err
	}
	var st state
	var laid bool
	tables, functions := objects(s.steps)
	err := q.QueryRow(ctx, looking, s.schema+"."+layoutTable, s.cfg.Schema, tables, functions).Scan(&st.schema, &st.super, &st.bypass, &st.creates,
		&st.role, &st.unsafe, &st.member, &st.granted, &laid, &st.backend)
	if err != nil || !laid {
		return &st, err
	}
	err = q.QueryRow(ctx, `select version, oldest from `+s.schema+"."+layoutTable).Scan(&st.layout, &st.oldest)
	return &st, err
}

// usable refuses a database that is only for newer plugins, and logins that would
// see all tenants' rows.
func (s *Store) usable(st *state) error {
	login := func(format string, args ...any) error {
		c := &s.cfg
		return fault.New(fault.Invalid, format, args...).At(c.where(c.Connection.User, "connection.user")).By(fault.PartyTenant)
	}
	switch known := len(s.steps); {
	case st.oldest > known:
		return fault.New(fault.Invalid,
			"the tables in schema %s are of layout %d and for plugins of layout %d and later; this one knows %d: upgrade it",
			s.cfg.Schema, st.layout, st.oldest, known).At("schema").By(fault.PartyTenant)
	case st.unsafe:
		return login("the role %s is a superuser or may bypass row-level security; take that from it", appRole)
	case st.bypass && !st.super && !st.creates && !st.member:
		return login("the login may bypass row-level security, and is no member of %s, which it cannot make either", appRole)
	}
	return nil
}

// safe reports whether row-level security holds the login itself.
func (st *state) safe() bool { return !st.super && !st.bypass }

// as is the role to work as, if the state allows it already.
func (st *state) as() (role string, ok bool) {
	switch {
	case st.role && st.member && st.granted:
		return appRole, true
	case !st.super && !st.bypass && !st.creates && !st.member:
		return "none", true
	}
	return "", false
}

// grant makes the role, takes the login in and lets it use the tables, as far as the
// login may.
func (s *Store) grant(ctx context.Context, tx pgx.Tx, st *state, m *storage.Migration) error {
	if st.granted && st.member && len(m.Steps) == 0 {
		return nil
	}
	if !st.super && !st.creates && !st.member {
		return nil // the login works itself, and owns what it made
	}
	try := func(sql string) error {
		_, err := tx.Exec(ctx, strings.NewReplacer("@schema@", s.schema, "@role@", appRole).Replace(sql), pgx.QueryExecModeSimpleProtocol)
		return err
	}
	if !st.role {
		// Roles are of all databases, whose hosts may start at this moment too.
		err := try(`do $$ begin
				create role @role@ nologin nosuperuser nobypassrls nocreaterole nocreatedb noinherit;
			exception when duplicate_object or unique_violation then null; end $$`)
		if err != nil {
			return err
		}
		m.Steps = append(m.Steps, "make the role "+appRole)
	}
	if !st.member {
		// Who may make roles may not, on newer servers, take on those of others; such
		// a login goes on without.
		if err := try(`do $$ begin grant @role@ to current_user; exception when insufficient_privilege then null; end $$`); err != nil {
			return err
		}
	}
	tables, functions := objects(s.steps)
	var grants string
	if err := tx.QueryRow(ctx, granting, s.cfg.Schema, tables, functions, layoutTable, appRole).Scan(&grants); err != nil {
		return err
	}
	return try(`grant usage on schema @schema@ to @role@;` + grants)
}

// granting makes the grants of what is ours and there. In the same schema there may be
// other programs' tables, which the role has no business with.
const granting = `select coalesce(string_agg(g, ';'), '') from (
	select format('grant %s on table %I.%I to %I',
			case when c.relname = $4 then 'select' else 'select, insert, update, delete' end, n.nspname, c.relname, $5::text)
		from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = any($2)
	union all
	select format('grant execute on function %s to %I', p.oid::regprocedure, $5::text)
		from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = $1 and p.proname = any($3)) as all_of (g)`
