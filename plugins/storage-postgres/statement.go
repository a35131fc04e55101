package pgstore

import "strings"

// statements are all that the Store asks the database for while it serves. Each runs
// behind the setting of role and tenant; none has the tenant as an argument. Arguments
// of functions have their types: else one of the same name that somebody else may make in
// the schema could seem to fit better.
type statements struct {
	begin, commit, renew, unlink, sweep, imports string
	read, readAll, list, listUser                string
	put, get, listTenants, history, changes      string
}

const (
	turnColumns         = `t.seq, t.number, t.state, t.reason, t.user_id, t.message, t.replies, t.usage, t.metadata, t.record, t.key, t.started, t.ended`
	conversationColumns = `id, user_id, last_number, created, updated`
	registrationColumns = `tenant, version, position, state, incarnation, document, note, attempt, created`
	ofTenant            = `tenant = @schema@.tenant_1()`
)

// in is the SQL for the schema, which is quoted.
func in(schema, sql string) string { return strings.ReplaceAll(sql, "@schema@", schema) }

func statementsOf(schema string) statements {
	in := func(sql string) string { return in(schema, sql) }
	read := `select true, ` + turnColumns + ` from @schema@.conversations as c left join lateral (
			select * from @schema@.turns as t where t.cid = c.cid and t.seq > $3 @succeeded@ order by t.seq limit $4
		) as t on true
		where c.` + ofTenant + ` and c.life = $1 and c.id = $2 order by t.seq`
	list := `select ` + conversationColumns + ` from @schema@.conversations
		where ` + ofTenant + ` and life = $1 and id > $2 @user@ order by id limit $3`
	newest := `select ` + registrationColumns + ` from @schema@.tenants join @schema@.registrations using (tenant, version, position) `
	return statements{
		begin:   in(`select * from @schema@.begin_1($1::text, $2::text, $3::text, $4::json, $5::json, $6::int, $7::text, $8::interval, $9::text, $10::bytea, $11::text)`),
		commit:  in(`select * from @schema@.commit_1($1::text, $2::text, $3::bigint, $4::bigint, $5::text, $6::text, $7::json, $8::int, $9::json, $10::json)`),
		renew:   in(`select @schema@.renew_1($1::text, $2::interval)`),
		unlink:  in(`select @schema@.unlink_1($1::text, $2::text, $3::text, $4::timestamptz, $5::boolean)`),
		sweep:   in(`select * from @schema@.sweep_1($1::text, $2::text, $3::text, $4::int)`),
		imports: in(`select * from @schema@.import_1($1::text, $2::text, $3::text, $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::timestamptz[])`),

		read:     in(strings.ReplaceAll(read, "@succeeded@", "and t.number is not null")),
		readAll:  in(strings.ReplaceAll(read, "@succeeded@", "")),
		list:     in(strings.ReplaceAll(list, "@user@", "")),
		listUser: in(strings.ReplaceAll(list, "@user@", "and user_id = $4")),

		put:         in(`select * from @schema@.put_1($1::bigint, $2::text, $3::text, $4::bytea, $5::text, $6::text, $7::boolean, $8::bigint, $9::text)`),
		get:         in(newest + `where tenant = any($1)`),
		listTenants: in(newest + `where tenant > $1 order by tenant limit $2`),
		history: in(`select ` + registrationColumns + ` from @schema@.registrations
			where ` + ofTenant + ` and ($1::bigint = 0 or version < $1) order by version desc limit $2`),
		changes: in(`select r.position, t.position, t.tenant, t.version from @schema@.registry as r left join lateral (
				select * from @schema@.tenants as t where t.position > $1 order by t.position limit $2
			) as t on true order by t.position`),
	}
}
