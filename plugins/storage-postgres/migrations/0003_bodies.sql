-- The messages as the host encoded them: the body of each message after its length as a
-- varint. The columns message and replies have only the texts from now on, for people and for
-- plugins of schema version 2. In turns of these plugins they have the whole messages, and body
-- and reply_bodies are null.
alter table @schema@.turns add column body bytea; -- of the user's message
alter table @schema@.turns add column reply_bodies bytea; -- of the messages after it

-- begin answers one row that says what became of it, in kind: started; replay with the whole
-- turn; busy and busy_same; reused; ended for a life that ended; missing for a conversation that
-- is not the user's, where p_owned wants it to be.
create function @schema@.begin_3(p_life text, p_id text, p_user text, p_message json, p_metadata json,
    p_holder text, p_lease interval, p_key text, p_digest bytea, p_attempt text, p_owned boolean, p_body bytea)
returns table (kind text, cid bigint, seq bigint, number bigint, state text, reason text, user_id text, message json,
    replies json, body bytea, reply_bodies bytea, usage json, metadata json, record json, key text, started timestamptz, ended timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_until timestamptz := clock_timestamp() + p_lease;
    v_now timestamptz;
    c @schema@.conversations;
    t @schema@.turns;
begin
    if p_key is null then
        -- Who asks again and again for a conversation that is busy leaves no trace there:
        -- the row is locked only if it can be had.
        select * into c from @schema@.conversations
            where tenant = v_tenant and life = p_life and id = p_id
                and (running_seq is null or running_attempt = p_attempt or not @schema@.alive_1(running_holder, running_until))
                and (not p_owned or user_id = p_user)
            for update;
        if not found then
            select * into c from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
            if found and p_owned and c.user_id <> p_user then
                kind := 'missing';
                return next;
                return;
            end if;
            if found and c.running_seq is not null and c.running_attempt is distinct from p_attempt then
                kind := 'busy';
                return next;
                return;
            end if;
            c.cid := null;
        end if;
    end if;
    if c.cid is null then
        c := @schema@.take_1(p_life, p_id, p_user);
        if c.cid is null then
            kind := 'ended';
            return next;
            return;
        end if;
    end if;
    if p_owned and c.user_id <> p_user then
        kind := 'missing';
        return next;
        return;
    end if;
    v_now := greatest(clock_timestamp(), c.updated);

    if c.running_seq is not null and c.running_attempt = p_attempt then -- again
        update @schema@.conversations set running_until = greatest(running_until, v_until)
            where tenant = v_tenant and life = p_life and id = p_id;
        kind := 'started';
        cid := c.cid;
        seq := c.running_seq;
    else
        if p_key is not null then
            select * into t from @schema@.turns
                where cid = c.cid and key = p_key and digest is not null
                order by seq desc limit 1;
            if found and t.started > v_now - interval '24 hours' then
                if t.digest <> p_digest then
                    kind := 'reused';
                    return next;
                    return;
                elsif t.state = 'succeeded' then
                    return query select 'replay', t.cid, t.seq, t.number, t.state, t.reason, t.user_id,
                        case when t.body is null then t.message end, case when t.reply_bodies is null then t.replies end,
                        t.body, t.reply_bodies, t.usage, t.metadata, t.record, t.key, t.started, t.ended;
                    return;
                end if;
            end if;
        end if;
        if c.running_seq is not null then
            if @schema@.alive_1(c.running_holder, c.running_until) then
                kind := case when t.seq = c.running_seq then 'busy_same' else 'busy' end;
                return next;
                return;
            end if;
            update @schema@.turns set state = 'interrupted', fenced = true, ended = v_now,
                reason = 'deadline: the lease of the turn''s holder ran out'
                where cid = c.cid and seq = c.running_seq;
        end if;
        kind := 'started';
        cid := c.cid;
        seq := c.last_seq + 1;
        insert into @schema@.turns (tenant, cid, seq, state, user_id, message, body, messages, metadata, key, digest, started, guest)
            values (v_tenant, c.cid, c.last_seq + 1, 'running', p_user, p_message, p_body, 1, p_metadata, p_key, p_digest, v_now,
                p_user <> '' and p_user <> c.user_id);
        update @schema@.conversations set last_seq = c.last_seq + 1, running_seq = c.last_seq + 1, running_attempt = p_attempt,
            running_holder = p_holder, running_until = v_until, updated = v_now
            where tenant = v_tenant and life = p_life and id = p_id;
    end if;
    return next;
end $$;

-- commit answers what became of it, in kind: done with the turn's number; stale for
-- a fence that holds nothing; other with the state in which the turn has ended.
create function @schema@.commit_2(p_life text, p_id text, p_cid bigint, p_seq bigint, p_state text, p_reason text,
    p_replies json, p_count int, p_usage json, p_record json, p_reply_bodies bytea)
returns table (kind text, number bigint, state text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_now timestamptz;
    c @schema@.conversations;
    t @schema@.turns;
begin
    select * into c from @schema@.conversations
        where tenant = v_tenant and life = p_life and id = p_id for update;
    if not found or c.cid <> p_cid then
        kind := 'stale';
        return next;
        return;
    end if;
    number := 0;
    kind := 'done';
    if c.running_seq = p_seq then
        v_now := greatest(clock_timestamp(), c.updated);
        if p_state = 'succeeded' then
            number := c.last_number + 1;
        end if;
        update @schema@.turns set state = p_state, number = case when p_state = 'succeeded' then c.last_number + 1 end,
            reason = p_reason, replies = p_replies, reply_bodies = p_reply_bodies, messages = messages + p_count, usage = p_usage, record = p_record,
            ended = v_now
            where cid = p_cid and seq = p_seq;
        update @schema@.conversations set running_seq = null, running_attempt = null, running_holder = null,
            running_until = null, updated = v_now,
            last_number = last_number + case when p_state = 'succeeded' then 1 else 0 end
            where tenant = v_tenant and life = p_life and id = p_id;
        return next;
        return;
    end if;
    select * into t from @schema@.turns where cid = p_cid and seq = p_seq;
    if not found or t.fenced then
        kind := 'stale';
    elsif t.state <> p_state then
        kind := 'other';
        state := t.state;
    else
        number := coalesce(t.number, 0);
    end if;
    return next;
end $$;

-- import appends turns that ended elsewhere, in order of their sequence, each one
-- more than the last. What may be missing is '' in the arrays. It answers what
-- became of it, in kind: done with how many are new, or why it does not fit.
create function @schema@.import_3(p_life text, p_id text, p_user text, p_seq bigint[], p_number bigint[], p_state text[],
    p_reason text[], p_speaker text[], p_message text[], p_replies text[], p_count bigint[], p_usage text[],
    p_metadata text[], p_record text[], p_key text[], p_started timestamptz[], p_ended timestamptz[], p_body bytea[], p_reply_bodies bytea[])
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
    elsif c.user_id <> p_user and p_seq[cardinality(p_seq)] > c.last_seq then
        kind := 'owner';
    end if;
    if kind is not null then
        if c.last_seq = 0 then -- made just now, for nothing
            delete from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
        end if;
        return next;
        return;
    end if;

    insert into @schema@.turns (tenant, cid, seq, number, state, reason, user_id, message, replies, body, reply_bodies, messages, usage, metadata,
            record, key, fenced, started, ended, guest)
        select v_tenant, c.cid, n.seq, nullif(n.number, 0), n.state, n.reason, n.speaker, nullif(n.message, '')::json,
            nullif(n.replies, '')::json, nullif(n.body, ''), nullif(n.reply_bodies, ''), n.count, nullif(n.usage, '')::json, nullif(n.metadata, '')::json,
            nullif(n.record, '')::json, nullif(n.key, ''), true, n.started, n.ended, n.speaker <> '' and n.speaker <> c.user_id
        from unnest(p_seq, p_number, p_state, p_reason, p_speaker, p_message, p_replies, p_count, p_usage, p_metadata,
                p_record, p_key, p_started, p_ended, p_body, p_reply_bodies)
            as n (seq, number, state, reason, speaker, message, replies, count, usage, metadata, record, key, started, ended, body, reply_bodies)
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

-- unlink empties the bodies of a user's turns too, whatever version of the plugin calls it.
create or replace function @schema@.unlink_2(p_life text, p_id text, p_user text, p_before timestamptz, p_end boolean)
returns bigint language plpgsql volatile as $$
declare
    v_tenant text := @schema@.tenant_1();
    v_cids bigint[];
    v_count bigint;
begin
    if p_id is not null or p_user is null then
        perform @schema@.unlink_1(p_life, p_id, p_user, p_before, p_end);
        return 0;
    end if;
    v_cids := array(
        select cid from @schema@.conversations where tenant = v_tenant and life = p_life and user_id = p_user
        union
        select t.cid from @schema@.turns as t where t.tenant = v_tenant and t.user_id = p_user and t.guest is not false);
    -- Whoever writes there waits from now on, and what has been written is seen.
    perform from @schema@.conversations where cid = any(v_cids) and tenant = v_tenant and life = p_life order by cid for update;
    v_cids := array(
        select cid from @schema@.conversations where cid = any(v_cids) and tenant = v_tenant and life = p_life
            and (p_before is null or updated < p_before
                and (running_seq is null or not @schema@.alive_1(running_holder, running_until))));
    with gone as (
        delete from @schema@.conversations as c
            where c.cid = any(v_cids) and c.tenant = v_tenant and c.user_id = p_user
                -- As a value, since the planner would rather look through all turns of all tenants.
                and (select true from @schema@.turns as t where t.cid = c.cid and t.guest is not false
                    and t.user_id not in ('', p_user) limit 1) is null
            returning tenant, life, cid, id, user_id)
    insert into @schema@.trash (tenant, life, cid, id, user_id) select * from gone;
    v_cids := array(select cid from @schema@.conversations where cid = any(v_cids) and tenant = v_tenant);
    update @schema@.turns set state = case state when 'running' then 'interrupted' else state end,
        ended = case state when 'running' then greatest(clock_timestamp(), started) else ended end,
        reason = '', user_id = '', guest = false, message = null, replies = null, body = null, reply_bodies = null, messages = 0, usage = null,
        metadata = null, record = null, key = null, digest = null, fenced = true
        where cid = any(v_cids) and tenant = v_tenant and user_id = p_user;
    get diagnostics v_count = row_count;
    update @schema@.conversations as c set running_seq = null, running_attempt = null, running_holder = null, running_until = null
        where cid = any(v_cids) and tenant = v_tenant and running_seq is not null
            and (select t.state from @schema@.turns as t where t.cid = c.cid and t.seq = c.running_seq) <> 'running';
    update @schema@.conversations set user_id = '' where cid = any(v_cids) and tenant = v_tenant and user_id = p_user;
    return v_count;
end $$;
