-- import appends turns that ended elsewhere, in order of their sequence, each one
-- more than the last. Text that may be missing is '' in the arrays. It answers what
-- became of it, in kind: done with how many are new, or why it does not fit.
create function @schema@.import_1(p_life text, p_id text, p_user text, p_seq bigint[], p_number bigint[], p_state text[],
    p_reason text[], p_speaker text[], p_message text[], p_replies text[], p_count bigint[], p_usage text[],
    p_metadata text[], p_record text[], p_key text[], p_started timestamptz[], p_ended timestamptz[])
returns table (kind text, added bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
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
                and (t.state is distinct from n.state or coalesce(t.number, 0) <> n.number)) then
        kind := 'differs';
    elsif exists (
        select from unnest(p_seq, p_number) as n (seq, number)
            where n.seq > c.last_seq and n.number > 0
            having max(n.number) <> c.last_number + count(*) or min(n.number) <> c.last_number + 1) then
        kind := 'skips';
    end if;
    if kind is not null then
        if c.last_seq = 0 then -- made just now, for nothing
            delete from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
        end if;
        return next;
        return;
    end if;

    insert into @schema@.turns (tenant, cid, seq, number, state, reason, user_id, message, replies, messages, usage, metadata,
            record, key, fenced, started, ended)
        select v_tenant, c.cid, n.seq, nullif(n.number, 0), n.state, n.reason, n.speaker, nullif(n.message, '')::json,
            nullif(n.replies, '')::json, n.count, nullif(n.usage, '')::json, nullif(n.metadata, '')::json,
            nullif(n.record, '')::json, nullif(n.key, ''), true, n.started, n.ended
        from unnest(p_seq, p_number, p_state, p_reason, p_speaker, p_message, p_replies, p_count, p_usage, p_metadata,
                p_record, p_key, p_started, p_ended)
            as n (seq, number, state, reason, speaker, message, replies, count, usage, metadata, record, key, started, ended)
        where n.seq > c.last_seq;
    get diagnostics added = row_count;
    if added > 0 then
        update @schema@.conversations set last_seq = c.last_seq + added,
            last_number = greatest(c.last_number, (select max(n.number) from unnest(p_number) as n (number))),
            created = case when c.last_seq = 0 then p_started[1] else created end,
            updated = case when c.last_seq = 0 then p_ended[cardinality(p_ended)]
                else greatest(updated, p_ended[cardinality(p_ended)]) end
            where tenant = v_tenant and life = p_life and id = p_id;
    end if;
    kind := 'done';
    return next;
end $$;
