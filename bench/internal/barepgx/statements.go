package barepgx

// The statements of the plugin storage-postgres with its default schema. TestTurn_sendsWhatThePluginSends
// compares them with the statements that the plugin sends.
const (
	setting = `select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), pg_catalog.set_config('role', $1, true),
		pg_catalog.set_config('botyard.tenant', $2, true), pg_catalog.set_config('statement_timeout', $3, true),
		pg_catalog.set_config('enable_bitmapscan', 'off', true)`
	begin = `with c as (
			update "botyard".conversations set last_seq = last_seq + 1, running_seq = last_seq + 1, running_attempt = $9,
				running_holder = $7, running_until = clock_timestamp() + $8::interval, updated = greatest(clock_timestamp(), updated)
			where tenant = nullif(current_setting('botyard.tenant', true), '') and life = $1 and id = $2 and cid = $3 and running_seq is null and (not $10::boolean or user_id = $4)
			returning tenant, cid, last_seq, updated, user_id
		)
		insert into "botyard".turns (tenant, cid, seq, state, user_id, message, messages, metadata, started, guest, body)
		select tenant, cid, last_seq, 'running', $4, $5, $12, $6, updated, $4 <> '' and $4 <> user_id, $11 from c returning seq`
	newest = `with recursive tail as (
			select t.*, t.messages::bigint as have, (128 + octet_length(t.user_id) + (coalesce(octet_length(t.body), octet_length(t.message::text), 0) + coalesce(octet_length(t.reply_bodies), octet_length(t.replies::text), 0) + 24 * t.messages)::bigint) as bytes from (
				select * from "botyard".turns where cid = $3 and number is not null and messages > 0 order by seq desc limit (select 1)) as t
			union all
			select t.*, tail.have + t.messages, tail.bytes + (128 + octet_length(t.user_id) + (coalesce(octet_length(t.body), octet_length(t.message::text), 0) + coalesce(octet_length(t.reply_bodies), octet_length(t.replies::text), 0) + 24 * t.messages)::bigint) from tail cross join lateral (
				select * from "botyard".turns where cid = tail.cid and number is not null and messages > 0 and seq < tail.seq order by seq desc limit (select 1)) as t
			where tail.have < $1 and tail.bytes <= $2
		)
		select bytes > $2, seq, number, user_id, started, ended, case when bytes <= $2 and body is null then message end, case when bytes <= $2 and reply_bodies is null then replies end,
			case when bytes <= $2 then body end, case when bytes <= $2 then reply_bodies end from tail`
	commit = `with c as (
			update "botyard".conversations set running_seq = null, running_attempt = null, running_holder = null, running_until = null,
				last_number = last_number + case when $5 = 'succeeded' then 1 else 0 end, updated = greatest(clock_timestamp(), updated)
			where tenant = nullif(current_setting('botyard.tenant', true), '') and life = $1 and id = $2 and cid = $3 and running_seq = $4
			returning case when $5 = 'succeeded' then last_number end as number, updated
		)
		update "botyard".turns set state = $5, number = c.number, reason = $6, replies = $7, messages = messages + $8, reply_bodies = $11,
			usage = $9, record = $10, ended = c.updated
		from c where cid = $3 and seq = $4 returning coalesce(c.number, 0)`
	// first creates a conversation and begins its first turn.
	first = `select * from "botyard".begin_4($1::text, $2::text, $3::text, $4::json, $5::json, $6::text, $7::interval, ` +
		`$8::text, $9::bytea, $10::text, $11::boolean, $12::bytea, $13::int, $14::bigint)`
)

// The default settings of the plugin storage-postgres. The plugin sets the role if its login is a
// superuser.
const (
	role    = "botyard_app"
	timeout = "10001" // milliseconds
	lease   = 30      // seconds
)
