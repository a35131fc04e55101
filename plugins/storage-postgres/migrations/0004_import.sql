-- import appends turns that ended elsewhere, in order of their sequence, each one
-- more than the last. What may be missing is '' in the arrays. It answers what
-- became of it, in kind: done with how many are new, or why it does not fit. A turn with a number of
-- p_retract_from retracts turns that were there before the import too.
create function @schema@.import_4(p_life text, p_id text, p_user text, p_seq bigint[], p_number bigint[], p_state text[],
    p_reason text[], p_speaker text[], p_message text[], p_replies text[], p_count bigint[], p_usage text[],
    p_metadata text[], p_record text[], p_key text[], p_started timestamptz[], p_ended timestamptz[], p_body bytea[], p_reply_bodies bytea[],
    p_retract_from bigint[], p_retracted boolean[])
returns table (kind text, added bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_retracted bigint := 0;
    c @schema@.conversations;
begin
    added := 0;
    c := @schema@.take_1(p_life, p_id, p_user);
    if c.cid is null then
        kind := 'ended';
    elsif c.running_seq is not null then
        kind := 'running';
    elsif p_seq[1] > c.last_seq + 1 then
        kind := 'skips';
    elsif exists (
        select from unnest(p_seq, p_number, p_state) as n (seq, number, state)
            left join @schema@.turns t on t.cid = c.cid and t.seq = n.seq
            where n.seq <= c.last_seq
                and (t.state is distinct from n.state or coalesce(t.number, t.retracted_number, 0) <> n.number)) then
        kind := 'differs';
    elsif exists (
        select from unnest(p_seq, p_number) as n (seq, number)
            where n.seq > c.last_seq and n.number > 0
            having max(n.number) <> c.last_number + count(*) or min(n.number) <> c.last_number + 1) then
        kind := 'skips';
    elsif c.user_id <> p_user and p_seq[cardinality(p_seq)] > c.last_seq then
        kind := 'owner';
    end if;
    if kind is not null then
        if c.last_seq = 0 and c.branch_of is null then -- made just now, for nothing
            delete from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
        end if;
        return next;
        return;
    end if;

    insert into @schema@.turns (tenant, cid, seq, number, state, reason, user_id, message, replies, body, reply_bodies, messages, usage, metadata,
            record, key, fenced, started, ended, guest, retract_from, retracted_number)
        select v_tenant, c.cid, n.seq, case when not n.retracted then nullif(n.number, 0) end, n.state, n.reason, n.speaker, nullif(n.message, '')::json,
            nullif(n.replies, '')::json, nullif(n.body, ''), nullif(n.reply_bodies, ''), n.count, nullif(n.usage, '')::json, nullif(n.metadata, '')::json,
            nullif(n.record, '')::json, nullif(n.key, ''), true, n.started, n.ended, n.speaker <> '' and n.speaker <> c.user_id,
            nullif(n.retract_from, 0), case when n.retracted then nullif(n.number, 0) end
        from unnest(p_seq, p_number, p_state, p_reason, p_speaker, p_message, p_replies, p_count, p_usage, p_metadata,
                p_record, p_key, p_started, p_ended, p_body, p_reply_bodies, p_retract_from, p_retracted)
            as n (seq, number, state, reason, speaker, message, replies, count, usage, metadata, record, key, started, ended, body, reply_bodies,
                retract_from, retracted)
        where n.seq > c.last_seq;
    get diagnostics added = row_count;
    if added > 0 then
        insert into @schema@.retractions (tenant, cid, seq, from_number, to_number)
            select v_tenant, c.cid, n.seq, n.retract_from, n.last from (
                    select u.seq, u.retract_from, greatest(c.last_number,
                        max(u.number) over (order by u.seq rows between unbounded preceding and 1 preceding)) as last
                    from unnest(p_seq, p_number, p_retract_from) as u (seq, number, retract_from)) as n
                where n.seq > c.last_seq and n.retract_from between 1 and n.last;
        update @schema@.turns set retracted_number = number, number = null
            where cid = c.cid and seq <= c.last_seq and number >= (
                select min(n.retract_from) from unnest(p_seq, p_retract_from) as n (seq, retract_from)
                    where n.seq > c.last_seq and n.retract_from > 0);
        get diagnostics v_retracted = row_count;
        update @schema@.conversations set last_seq = c.last_seq + added,
            last_number = greatest(c.last_number, (select max(n.number) from unnest(p_number) as n (number))),
            retracted = conversations.retracted + v_retracted + (
                select count(*) from unnest(p_seq, p_number, p_retracted) as n (seq, number, retracted)
                    where n.seq > c.last_seq and n.number > 0 and n.retracted),
            created = case when c.last_seq = 0 and c.branch_of is null then p_started[1] else created end,
            updated = case when c.last_seq = 0 then p_ended[cardinality(p_ended)]
                else greatest(updated, p_ended[cardinality(p_ended)]) end
            where tenant = v_tenant and life = p_life and id = p_id;
    end if;
    kind := 'done';
    return next;
end $$;

-- import_3 is for plugins of schema version 3.
create or replace function @schema@.import_3(p_life text, p_id text, p_user text, p_seq bigint[], p_number bigint[], p_state text[],
    p_reason text[], p_speaker text[], p_message text[], p_replies text[], p_count bigint[], p_usage text[],
    p_metadata text[], p_record text[], p_key text[], p_started timestamptz[], p_ended timestamptz[], p_body bytea[], p_reply_bodies bytea[])
returns table (kind text, added bigint) language sql volatile as $$
    select i.kind, i.added from @schema@.import_4(p_life, p_id, p_user, p_seq, p_number, p_state, p_reason, p_speaker, p_message,
        p_replies, p_count, p_usage, p_metadata, p_record, p_key, p_started, p_ended, p_body, p_reply_bodies,
        array_fill(0::bigint, array[cardinality(p_seq)]), array_fill(false, array[cardinality(p_seq)])) as i
$$;
