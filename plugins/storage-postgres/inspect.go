package pgstore

import (
	"context"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
)

// databaseState is the result of an inspection of the database.
type databaseState struct {
	schema  bool // the schema of the configuration exists
	version int  // schema version of the database, or 0 for an empty database
	oldest  int  // schema version of the oldest plugin that may use the database
	super   bool // the login is a superuser
	bypass  bool // the login bypasses row-level security
	creates bool // the login may create roles
	role    bool // appRole exists
	unsafe  bool // appRole is a superuser or bypasses row-level security
	member  bool // the login may switch to appRole
	granted bool // appRole may use the schema, and the tables and functions of this plugin
	backend uint32
}

// inspectSQL reads all fields of a databaseState except version and oldest. Its arguments are the
// name of the version table, the schema, and the names of the plugin's tables and functions.
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

// inspect inspects the database without the advisory lock of migrations. pooled reports whether the
// connection goes through a pooler.
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
	// Through a pooler, the process id that the driver got at the login differs from
	// pg_backend_pid, because a pooler invents a process id for each client.
	return st, c.Conn.Conn().PgConn().PID() != st.backend, nil
}

// inspectIn inspects the database in the caller's transaction. It returns fault.Invalid if a login
// that is not trusted owns the schema or an object of the plugin.
func (s *Store) inspectIn(ctx context.Context, q querier) (*databaseState, error) {
	// This check precedes any query of the schema, because even reading a view could run code of
	// the view's owner.
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

// checkUsable returns fault.Invalid if the database requires a newer plugin, or if queries of the
// plugin would see the rows of all tenants.
func (s *Store) checkUsable(st *databaseState) error {
	login := func(format string, args ...any) error {
		c := &s.cfg
		return fault.New(fault.Invalid, format, args...).At(c.keyPath(c.Connection.User, "connection.user")...).By(fault.PartyTenant)
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

// workingRole returns the role for all queries of tenants' data. The role is "none" if the login
// itself does this work. ok is false if a migration must first create appRole or grant it to the
// login.
func (st *databaseState) workingRole() (role string, ok bool) {
	switch {
	case st.role && st.member && st.granted:
		return appRole, true
	case !st.super && !st.bypass && !st.creates && !st.member:
		return "none", true
	}
	return "", false
}
