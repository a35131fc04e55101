package pgstore

import (
	"context"
	"errors"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/jackc/pgx/v5"
)

// foreignOwnerSQL is a query that returns an object of the plugin whose owner the login does not
// trust. An object is the schema, a table or a function. The owner of an object can change the code
// that runs with the rights of the login.
//
// The login trusts itself and superusers. It also trusts a role that it is a member of, if the
// login itself, a superuser or a role with CREATEROLE has granted the membership. Other memberships
// do not count, because a login with the admin option on a role can grant that role to any other
// login. The owner of the database counts as the owner of the schema public.
const foreignOwnerSQL = `with recursive login as (select r.oid from pg_roles as r where r.rolname = current_user),
	trusted (oid) as (
		select login.oid from login
		union select m.roleid from trusted as t
			join (select *, coalesce((to_jsonb(a)->>'set_option')::boolean or (to_jsonb(a)->>'inherit_option')::boolean, true) as counts
				from pg_auth_members as a) as m on m.member = t.oid
			join pg_roles as g on g.oid = m.grantor
			where m.counts and m.grantor <> m.roleid and (g.rolsuper or g.rolcreaterole or g.oid = (select login.oid from login))
	),
	things (rank, what, owner) as (
		select 1, 'the schema', case when n.nspowner = 'pg_database_owner'::regrole
				then (select d.datdba from pg_database as d where d.datname = current_database()) else n.nspowner end
			from pg_namespace as n where n.nspname = $1
		union all select 2, 'the table ' || c.relname, c.relowner
			from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = any($2)
		union all select 3, 'the function ' || p.proname, p.proowner
			from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace where n.nspname = $1 and p.proname = any($3)
	)
	select t.what, o.rolname from things as t join pg_roles as o on o.oid = t.owner
		where not o.rolsuper and o.oid not in (select oid from trusted) order by t.rank, t.what limit 1`

// checkOwnership returns fault.Invalid if the login does not trust the owner of the schema, or the
// owner of a table or function of the plugin in the schema.
func (s *Store) checkOwnership(ctx context.Context, q querier) error {
	tables, functions := schemaObjects(s.migrations)
	var what, owner string
	err := q.QueryRow(ctx, foreignOwnerSQL, s.cfg.Schema, tables, functions).Scan(&what, &owner)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	if what != "the schema" {
		what += " in the schema " + s.cfg.Schema
	} else {
		what += " " + s.cfg.Schema
	}
	return fault.New(fault.Invalid,
		"%s belongs to the role %s, which could have anything run there as this login: name another schema, or have an administrator make it the login's own, or, if the role is to be trusted, make the login a member of it",
		what, owner).At("schema").By(fault.PartyTenant)
}
