package pgstore

import "strings"

// statements has the SQL of all calls for one schema. Each statement follows the statement setting
// in its transaction, which sets the role and the tenant. No statement has the tenant as an
// argument. Arguments of functions are cast to the types of the parameters. Otherwise PostgreSQL
// could choose an overload that another login has created in the schema.
type statements struct {
	beginFast, tail, tailOf, commitFast      string // the fast path
	cursor, cursorOf, branch, claim, advance string
	begin, commit, unlink, sweep, imports    string
	renew, forget                            string
	read, readAll, list, listUser, listWrote string
	put, get, listTenants, history, changes  string
}

const (
	turnColumns         = `t.seq, coalesce(t.number, t.retracted_number), t.state, t.reason, t.user_id, case when t.body is null then t.message end, case when t.reply_bodies is null then t.replies end, t.body, t.reply_bodies, t.usage, t.metadata, t.record, t.key, t.started, t.ended, t.retract_from, t.retracted_number is not null`
	conversationColumns = `id, cid, user_id, last_number - retracted, created, updated, coalesce(branch_of, ''), coalesce(branch_at, 0)`
	messageBytes        = "24" // storage.MessageBytes
	turnBytes           = `(coalesce(octet_length(t.body), octet_length(t.message::text), 0) + coalesce(octet_length(t.reply_bodies), octet_length(t.replies::text), 0) + ` + messageBytes + ` * t.messages)::bigint`
	tailTurnBytes       = `(128 + octet_length(t.user_id) + ` + turnBytes + `)` // 128 is storage.TailTurnBytes
	registrationColumns = `tenant, version, position, state, incarnation, document, note, attempt, created`
	ofTenant            = `tenant = @schema@.tenant_1()`
	isTenant            = `tenant = nullif(current_setting('botyard.tenant', true), '')`
)

// in replaces @schema@ in the SQL with the quoted name of the schema.
func in(schema, sql string) string { return strings.ReplaceAll(sql, "@schema@", schema) }

// statementsOf returns the statements for a schema with the given quoted name.
func statementsOf(schema string) statements {
	in := func(sql string) string { return in(schema, sql) }
	// The statement read reads turns one by one by an index, until it has $4 turns or $5 bytes. If
	// there are more turns, its last row is one further turn without messages. The limit of 1 is in
	// a subquery, so that the planner does not see the number. If it did, it would sort the whole
	// conversation when it expects a single turn.
	read := `with recursive c as (
			select cid from @schema@.conversations where ` + ofTenant + ` and life = $1 and id = $2 and (not $6::boolean or user_id = $7)
		), page as (
			select t.*, 1::bigint as n, ` + turnBytes + ` as bytes, false as over from c cross join lateral (
				select * from @schema@.turns as t where t.cid = c.cid and t.seq > $3 @succeeded@ order by t.seq limit (select 1)) as t
			union all
			select t.*, page.n + 1, page.bytes + ` + turnBytes + `, page.n >= $4 or page.bytes >= $5 from page cross join lateral (
				select * from @schema@.turns as t where t.cid = page.cid and t.seq > page.seq @succeeded@ order by t.seq limit (select 1)) as t
			where not page.over
		)
		select t.over, ` + strings.NewReplacer("t.body is null", "t.body is null and not t.over", "t.reply_bodies is null", "t.reply_bodies is null and not t.over",
		"t.body,", "case when not t.over then t.body end,", "t.reply_bodies,", "case when not t.over then t.reply_bodies end,").Replace(turnColumns) + ` from c left join page as t on true order by t.seq`
	list := `select ` + conversationColumns + `, false from @schema@.conversations
		where ` + ofTenant + ` and life = $1 and id > $2 @user@ order by id limit $3`
	listWrote := `(select ` + conversationColumns + `, coalesce((select true from @schema@.turns as t where t.cid = c.cid and t.guest is not false and t.user_id not in ('', $4) limit 1), false)
				from @schema@.conversations as c where ` + ofTenant + ` and life = $1 and id > $2 and user_id = $4 order by id limit $3)
		union all
		(select ` + conversationColumns + `, true from @schema@.conversations as c
			where ` + ofTenant + ` and life = $1 and id > $2 and user_id <> $4 and cid = any(array(
				select t.cid from @schema@.turns as t where t.` + ofTenant + ` and t.user_id = $4 and t.guest is not false))
			order by id limit $3)
		order by id limit $3`
	// The fast path costs the server less than the functions do. beginFast requires an existing
	// conversation without a running turn, and commitFast requires a valid fence. Otherwise they
	// change nothing. The tail has its own statement, because it must see turns that were committed
	// while beginFast waited for the lock of the row.
	beginFast := `with c as (
			update @schema@.conversations set last_seq = last_seq + 1, running_seq = last_seq + 1, running_attempt = $9,
				running_holder = $7, running_until = clock_timestamp() + $8::interval, updated = greatest(clock_timestamp(), updated)
			where ` + isTenant + ` and life = $1 and id = $2 and cid = $3 and running_seq is null and (not $10::boolean or user_id = $4)
			returning tenant, cid, last_seq, updated, user_id
		)
		insert into @schema@.turns (tenant, cid, seq, state, user_id, message, messages, metadata, started, guest, body)
		select tenant, cid, last_seq, 'running', $4, $5, $12, $6, updated, $4 <> '' and $4 <> user_id, $11 from c returning seq`
	tail := `with recursive tail as (
			select t.*, t.messages::bigint as have, ` + tailTurnBytes + ` as bytes from (
				select * from @schema@.turns where cid = @cid@ and number is not null and messages > 0 order by seq desc limit (select 1)) as t
			union all
			select t.*, tail.have + t.messages, tail.bytes + ` + tailTurnBytes + ` from tail cross join lateral (
				select * from @schema@.turns where cid = tail.cid and number is not null and messages > 0 and seq < tail.seq order by seq desc limit (select 1)) as t
			where tail.have < $1 and tail.bytes <= $2
		)
		select bytes > $2, seq, number, user_id, started, ended, case when bytes <= $2 and body is null then message end, case when bytes <= $2 and reply_bodies is null then replies end,
			case when bytes <= $2 then body end, case when bytes <= $2 then reply_bodies end from tail`
	// The statement cursor reads how far the cursor of a store key is, and the retractions after it. It
	// joins all but the newest $3 - 1 retractions.
	cursor := `with k as (
			select coalesce((select seq from @schema@.cursors where cid = @cid@ and ` + ofTenant + ` and life = $1 and store_key = $2), 0) as seq
		)
		select k.seq, r.* from k left join lateral (
			select max(r.seq) as seq, min(r.from_number), max(r.to_number) from (
				select *, row_number() over (order by seq desc) as n from @schema@.retractions where cid = @cid@ and seq > k.seq) as r
			group by least(r.n, $3)) as r on true order by r.seq`
	const cidOf = `(select cid from @schema@.conversations
		where ` + isTenant + ` and life = @life@ and id = @id@ and running_attempt is not distinct from @attempt@::text)`
	commitFast := `with c as (
			update @schema@.conversations set running_seq = null, running_attempt = null, running_holder = null, running_until = null,
				last_number = last_number + case when $5 = 'succeeded' then 1 else 0 end, updated = greatest(clock_timestamp(), updated)
			where ` + isTenant + ` and life = $1 and id = $2 and cid = $3 and running_seq = $4
			returning case when $5 = 'succeeded' then last_number end as number, updated
		)
		update @schema@.turns set state = $5, number = c.number, reason = $6, replies = $7, messages = messages + $8, reply_bodies = $11,
			usage = $9, record = $10, ended = c.updated
		from c where cid = $3 and seq = $4 returning coalesce(c.number, 0)`
	newest := `select ` + registrationColumns + ` from @schema@.tenants join @schema@.registrations using (tenant, version, position) `
	// paged returns rows with documents until the documents together have $1 bytes. The rows after
	// that have NULL as their document.
	paged := func(rows, order string) string {
		return in(`select ` + strings.Replace(registrationColumns, "document", "case when before < $1 then document end", 1) + ` from (
				select *, coalesce(sum(octet_length(document)) over (order by ` + order + ` rows between unbounded preceding and 1 preceding), 0) as before
				from (` + rows + `) as r
			) as r order by ` + order)
	}
	return statements{
		beginFast:  in(beginFast),
		tail:       in(strings.ReplaceAll(tail, "@cid@", "$3")),
		tailOf:     in(strings.ReplaceAll(tail, "@cid@", strings.NewReplacer("@life@", "$3", "@id@", "$4", "@attempt@", "$5").Replace(cidOf))),
		cursor:     in(strings.ReplaceAll(cursor, "@cid@", "$4")),
		cursorOf:   in(strings.ReplaceAll(cursor, "@cid@", strings.NewReplacer("@life@", "$1", "@id@", "$4", "@attempt@", "$5").Replace(cidOf))),
		commitFast: in(commitFast),

		begin:   in(`select * from @schema@.begin_4($1::text, $2::text, $3::text, $4::json, $5::json, $6::text, $7::interval, $8::text, $9::bytea, $10::text, $11::boolean, $12::bytea, $13::int, $14::bigint)`),
		commit:  in(`select * from @schema@.commit_2($1::text, $2::text, $3::bigint, $4::bigint, $5::text, $6::text, $7::json, $8::int, $9::json, $10::json, $11::bytea)`),
		unlink:  in(`select @schema@.unlink_2($1::text, $2::text, $3::text, $4::timestamptz, $5::boolean)`),
		sweep:   in(`select * from @schema@.sweep_1($1::text, $2::text, $3::text, $4::int)`),
		imports: in(`select * from @schema@.import_4($1::text, $2::text, $3::text, $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::timestamptz[], $18::bytea[], $19::bytea[], $20::bigint[], $21::boolean[])`),

		branch:  in(`select * from @schema@.branch_1($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::boolean, $7::int)`),
		claim:   in(`select * from @schema@.claim_1($1::text, $2::text, $3::text, $4::text, $5::interval, $6::int, $7::text, $8::int)`),
		advance: in(`select @schema@.advance_1($1::text, $2::text, $3::bigint, $4::timestamptz, $5::text, $6::text, $7::bigint, $8::bytea, $9::interval, $10::boolean, $11::text)`),

		// The statement renew writes holders in the order of their names, so that two renewals
		// cannot deadlock. The statement forget deletes expired holders. It skips rows that another
		// call has locked.
		renew: in(`insert into @schema@.holders as h (holder, until)
			select n.holder, clock_timestamp() + $2::interval
				from (select distinct holder from unnest($1::text[]) as n (holder) order by holder) as n
			on conflict (holder) do update set until = greatest(h.until, excluded.until)`),
		forget: in(`delete from @schema@.holders where holder in (
			select holder from @schema@.holders where until < clock_timestamp() for update skip locked)`),

		read:      in(strings.ReplaceAll(read, "@succeeded@", "and t.number is not null")),
		readAll:   in(strings.ReplaceAll(read, "@succeeded@", "")),
		list:      in(strings.ReplaceAll(list, "@user@", "")),
		listUser:  in(strings.ReplaceAll(list, "@user@", "and user_id = $4")),
		listWrote: in(listWrote),

		// The statement put keeps the newest $8 versions whose documents have at most $10 bytes
		// together. It always keeps $11 versions, even if their documents have more bytes.
		put: in(`select * from @schema@.put_1($1::bigint, $2::text, $3::text, $4::bytea, $5::text, $6::text, $7::boolean, (
				select least($8::bigint, 1 + count(*)) from (
					select sum(octet_length(document)) over (order by version desc) as bytes, row_number() over (order by version desc) as n
					from @schema@.registrations where ` + ofTenant + `
				) as r where bytes + octet_length($4::bytea) <= $10::bigint or n < $11::bigint
			), $9::text)`),
		get:         in(newest + `where tenant = any($1)`),
		listTenants: paged(newest+`where tenant > $2 order by tenant limit $3`, "tenant"),
		history: paged(`select `+registrationColumns+` from @schema@.registrations
			where `+ofTenant+` and ($2::bigint = 0 or version < $2) order by version desc limit $3`, "version desc"),
		changes: in(`select r.position, t.position, t.tenant, t.version from @schema@.registry as r left join lateral (
				select * from @schema@.tenants as t where t.position > $1 order by t.position limit $2
			) as t on true order by t.position`),
	}
}
