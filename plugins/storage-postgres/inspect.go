package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
)

// databaseState is the result of one inspection of the database.
type databaseState struct {
	schema  bool // the schema exists
	version int  // schema version of the database; 0 for none
	oldest  int  // schema version of the oldest plugin that may use it
	super   bool // the login is a superuser
	bypass  bool // the login bypasses row-level security
	creates bool // the login may create roles
	role    bool // appRole exists
	unsafe  bool // row-level security does not apply to appRole
	member  bool // the login may set appRole
	granted bool // appRole may use the schema, our tables and our functions
	backend uint32
}

// inspectSQL reads a databaseState but for the version. Its arguments are the version
// table's name, the schema, and the names of our tables and functions.
const inspectSQL = `select
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

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// inspect inspects the database without a lock. It reports whether the connection goes through a
// pooler.
func (s *Store) inspect(ctx context.Context) (st *databaseState, pooled bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	c, err := s.pool.acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	defer c.Release()
	err = pgx.BeginFunc(ctx, c.Conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, ownPath); err != nil {
			return err
		}
		st, err = s.inspectIn(ctx, tx)
		return err
	})
	if err != nil {
		return nil, false, endCause(c.Conn.Conn().PgConn(), err)
	}
	// A pooler serves from many server processes and makes up the process id of its own.
	return st, c.Conn.Conn().PgConn().PID() != st.backend, nil
}

// inspectIn inspects the database in the caller's transaction. It refuses a schema in which
// other logins decide what runs.
func (s *Store) inspectIn(ctx context.Context, q querier) (*databaseState, error) {
	// This comes before anything in the schema is read: even a view could run what its
	// owner wants.
	if err := s.checkOwnership(ctx, q); err != nil {
		return nil, err
	}
	var st databaseState
	var versioned bool
	tables, functions := schemaObjects(s.migrations)
	err := q.QueryRow(ctx, inspectSQL, s.schema+"."+schemaVersionTable, s.cfg.Schema, tables, functions).Scan(&st.schema, &st.super, &st.bypass, &st.creates,
		&st.role, &st.unsafe, &st.member, &st.granted, &versioned, &st.backend)
	if err != nil || !versioned {
		return &st, err
	}
	err = q.QueryRow(ctx, `select version, oldest from `+s.schema+"."+schemaVersionTable).Scan(&st.version, &st.oldest)
	return &st, err
}

// checkUsable refuses a database that is only for newer plugins, and logins that would see
// the rows of all tenants.
func (s *Store) checkUsable(st *databaseState) error {
	login := func(format string, args ...any) error {
		c := &s.cfg
		return fault.New(fault.Invalid, format, args...).At(c.keyPath(c.Connection.User, "connection.user")).By(fault.PartyTenant)
	}
	switch known := len(s.migrations); {
	case st.oldest > known:
		return fault.New(fault.Invalid,
			"the tables in schema %s have schema version %d and are for plugins of version %d and later; this plugin knows version %d: upgrade it",
			s.cfg.Schema, st.version, st.oldest, known).At("schema").By(fault.PartyTenant)
	case st.unsafe:
		return login("the role %s is a superuser or may bypass row-level security; take that from it", appRole)
	case st.bypass && !st.super && !st.creates && !st.member:
		return login("the login may bypass row-level security, and is no member of %s, which it cannot make either", appRole)
	}
	return nil
}

// rlsApplies reports whether row-level security applies to the login itself.
func (st *databaseState) rlsApplies() bool { return !st.super && !st.bypass }

// workingRole returns the role to work as. ok is false when a migration has to make or grant
// appRole first.
func (st *databaseState) workingRole() (role string, ok bool) {
	switch {
	case st.role && st.member && st.granted:
		return appRole, true
	case !st.super && !st.bypass && !st.creates && !st.member:
		return "none", true
	}
	return "", false
}
