-- begin answers one row that says what became of it, in kind: started; replay with the whole
-- turn; busy and busy_same; reused; ended for a life that ended; missing for a conversation that
-- is not the user's, where p_owned wants it to be. p_message and p_body are those of p_count messages.
create function @schema@.begin_4(p_life text, p_id text, p_user text, p_message json, p_metadata json,
    p_holder text, p_lease interval, p_key text, p_digest bytea, p_attempt text, p_owned boolean, p_body bytea, p_count int)
returns table (kind text, cid bigint, seq bigint, number bigint, state text, reason text, user_id text, message json,
    replies json, body bytea, reply_bodies bytea, usage json, metadata json, record json, key text, started timestamptz, ended timestamptz, created timestamptz)
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
                        t.body, t.reply_bodies, t.usage, t.metadata, t.record, t.key, t.started, t.ended, c.created;
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
            values (v_tenant, c.cid, c.last_seq + 1, 'running', p_user, p_message, p_body, p_count, p_metadata, p_key, p_digest, v_now,
                p_user <> '' and p_user <> c.user_id);
        update @schema@.conversations set last_seq = c.last_seq + 1, running_seq = c.last_seq + 1, running_attempt = p_attempt,
            running_holder = p_holder, running_until = v_until, updated = v_now
            where tenant = v_tenant and life = p_life and id = p_id;
    end if;
    created := c.created;
    return next;
end $$;
