-- The functions of a turn. Each is called once in the pipeline that has set the
-- tenant; none takes it as an argument. A later version of one gets another number,
-- so that hosts of both versions find theirs.

-- The tenant of the transaction; without one nothing goes on.
create function @schema@.tenant_1() returns text language plpgsql stable as $$
declare
    v_tenant text := nullif(current_setting('botyard.tenant', true), '');
begin
    if v_tenant is null then
        raise exception 'botyard.tenant is not set' using errcode = 'BY001';
    end if;
    return v_tenant;
end $$;

-- Whether a turn's holder lives: by the turn's own lease or the holder's renewed one.
create function @schema@.alive_1(p_holder text, p_until timestamptz) returns boolean language sql volatile as $$
    select p_until > clock_timestamp()
        or exists (select from @schema@.holders where holder = p_holder and until > clock_timestamp())
$$;

-- The key of the lock that keeps a life from ending while something is made in it.
create function @schema@.life_lock_1(p_life text) returns bigint language sql stable as $$
    select hashtextextended('@schema@ ' || length(p_life) || p_life || @schema@.tenant_1(), 0)
$$;

-- take locks a conversation's row until the transaction ends, and makes it where
-- there is none. It answers null for a life that ended.
create function @schema@.take_1(p_life text, p_id text, p_user text) returns @schema@.conversations
language plpgsql volatile as $$
declare
    v_tenant text := @schema@.tenant_1();
    v_now timestamptz;
    c @schema@.conversations;
begin
    loop
        select * into c from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id for update;
        if found then
            return c;
        end if;
        if p_life <> '' then
            perform pg_advisory_xact_lock_shared(@schema@.life_lock_1(p_life));
            if exists (select from @schema@.ended_lives where tenant = v_tenant and life = p_life) then
                return null;
            end if;
        end if;
        v_now := clock_timestamp();
        insert into @schema@.conversations (tenant, life, id, user_id, created, updated)
            values (v_tenant, p_life, p_id, p_user, v_now, v_now)
            on conflict do nothing returning * into c;
        if found then
            return c;
        end if;
    end loop; -- another made it just then
end $$;

-- begin answers one row that says what became of it, in kind: started, followed by
-- the newest succeeded turns, newest first; replay with the whole turn; busy and
-- busy_same; reused; ended for a life that ended.
create function @schema@.begin_1(p_life text, p_id text, p_user text, p_message json, p_metadata json, p_tail int,
    p_holder text, p_lease interval, p_key text, p_digest bytea, p_attempt text)
returns table (kind text, cid bigint, seq bigint, number bigint, state text, reason text, user_id text, message json,
    replies json, usage json, metadata json, record json, key text, started timestamptz, ended timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_until timestamptz := clock_timestamp() + p_lease;
    v_now timestamptz;
    v_have int := 0;
    c @schema@.conversations;
    t @schema@.turns;
begin
    if p_key is null then
        -- Who asks again and again for a conversation that is busy leaves no trace there:
        -- the row is locked only if it can be had.
        select * into c from @schema@.conversations
            where tenant = v_tenant and life = p_life and id = p_id
                and (running_seq is null or running_attempt = p_attempt or not @schema@.alive_1(running_holder, running_until))
            for update;
        if not found then
            select * into c from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
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
                    return query select 'replay', t.cid, t.seq, t.number, t.state, t.reason, t.user_id, t.message,
                        t.replies, t.usage, t.metadata, t.record, t.key, t.started, t.ended;
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
        insert into @schema@.turns (tenant, cid, seq, state, user_id, message, messages, metadata, key, digest, started)
            values (v_tenant, c.cid, c.last_seq + 1, 'running', p_user, p_message, 1, p_metadata, p_key, p_digest, v_now);
        update @schema@.conversations set last_seq = c.last_seq + 1, running_seq = c.last_seq + 1, running_attempt = p_attempt,
            running_holder = p_holder, running_until = v_until, updated = v_now
            where tenant = v_tenant and life = p_life and id = p_id;
    end if;
    return next;

    if p_tail > 0 then
        -- Each turn has a message or more, so the loop ends it before the limit does; that
        -- tells the planner that few are wanted. In a subquery, since one that saw a number
        -- greater than the turns it expects would sort the whole conversation.
        kind := 'tail';
        for t in select * from @schema@.turns where cid = c.cid and number is not null order by seq desc limit (select p_tail) loop
            seq := t.seq;
            message := t.message;
            replies := t.replies;
            return next;
            v_have := v_have + t.messages;
            exit when v_have >= p_tail;
        end loop;
    end if;
end $$;

-- commit answers what became of it, in kind: done with the turn's number; stale for
-- a fence that holds nothing; other with the state in which the turn has ended.
create function @schema@.commit_1(p_life text, p_id text, p_cid bigint, p_seq bigint, p_state text, p_reason text,
    p_replies json, p_count int, p_usage json, p_record json)
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
            reason = p_reason, replies = p_replies, messages = messages + p_count, usage = p_usage, record = p_record,
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

-- renew extends the holder's lease, and forgets those that ran out long ago.
create function @schema@.renew_1(p_holder text, p_lease interval) returns void language plpgsql volatile as $$
begin
    insert into @schema@.holders as h (holder, until) values (p_holder, clock_timestamp() + p_lease)
        on conflict (holder) do update set until = greatest(h.until, excluded.until);
    delete from @schema@.holders where holder in (
        select holder from @schema@.holders where until < clock_timestamp() - interval '1 hour' for update skip locked);
end $$;
