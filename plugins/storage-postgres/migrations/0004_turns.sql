-- Turns that begin with several messages, and turns that a later turn retracts. A retracted turn has
-- its number in retracted_number, and none in number. So plugins of earlier versions do not see it in
-- tails and pages of succeeded turns. last_number never decreases, so that no plugin uses a number again.
alter table @schema@.turns add column retract_from bigint; -- null: the turn retracted nothing
alter table @schema@.turns add column retracted_number bigint; -- null: the turn is not retracted
alter table @schema@.conversations add column retracted bigint not null default 0; -- retracted turns
alter table @schema@.conversations add column branch_of text collate "C"; -- null: it is no branch
alter table @schema@.conversations add column branch_at bigint; -- number of the last turn that was copied
alter table @schema@.conversations add column branch_turns bigint; -- turns that were copied

-- What turns have retracted: the numbers of the first and the last turn.
create table @schema@.retractions (
    tenant text collate "C" not null,
    cid bigint not null,
    seq bigint not null, -- of the turn that has retracted them
    from_number bigint not null,
    to_number bigint not null,
    primary key (cid, seq)
);
alter table @schema@.retractions enable row level security, force row level security;
create policy by_tenant on @schema@.retractions
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));

-- begin answers one row that says what became of it, in kind: started; replay with the whole
-- turn; busy and busy_same; reused; ended for a life that ended; missing for a conversation that
-- is not the user's, where p_owned wants it to be. p_message and p_body are those of p_count messages.
-- p_retract is the number from which succeeded turns are retracted, or 0. The kind is unretractable if
-- no turn has the number, and many for more turns than may be retracted at once.
create function @schema@.begin_4(p_life text, p_id text, p_user text, p_message json, p_metadata json,
    p_holder text, p_lease interval, p_key text, p_digest bytea, p_attempt text, p_owned boolean, p_body bytea, p_count int, p_retract bigint)
returns table (kind text, cid bigint, seq bigint, number bigint, state text, reason text, user_id text, message json,
    replies json, body bytea, reply_bodies bytea, usage json, metadata json, record json, key text, started timestamptz, ended timestamptz,
    retract_from bigint, retracted boolean, created timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_until timestamptz := clock_timestamp() + p_lease;
    v_now timestamptz;
    v_seq bigint; -- of the first turn that is retracted
    v_from bigint;
    v_to bigint;
    v_retracted bigint := 0;
    c_most constant bigint := 10000; -- turns that are retracted at once
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
                    return query select 'replay', t.cid, t.seq, coalesce(t.number, t.retracted_number), t.state, t.reason, t.user_id,
                        case when t.body is null then t.message end, case when t.reply_bodies is null then t.replies end,
                        t.body, t.reply_bodies, t.usage, t.metadata, t.record, t.key, t.started, t.ended,
                        t.retract_from, t.retracted_number is not null, c.created;
                    return;
                end if;
            end if;
        end if;
        if c.running_seq is not null and @schema@.alive_1(c.running_holder, c.running_until) then
            kind := case when t.seq = c.running_seq then 'busy_same' else 'busy' end;
            return next;
            return;
        end if;
        if p_retract > 0 then
            -- A turn's sequence is never less than its number.
            select min(seq), min(number), max(number), count(*) into v_seq, v_from, v_to, v_retracted from @schema@.turns
                where cid = c.cid and seq >= p_retract and number >= p_retract;
            if v_from is distinct from p_retract then
                if c.last_seq = 0 and c.branch_of is null then -- made just now, for nothing
                    delete from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
                end if;
                kind := 'unretractable';
                return next;
                return;
            elsif v_retracted > c_most then
                kind := 'many';
                return next;
                return;
            end if;
            update @schema@.turns set retracted_number = number, number = null
                where cid = c.cid and seq >= v_seq and number is not null;
            get diagnostics v_retracted = row_count;
            insert into @schema@.retractions (tenant, cid, seq, from_number, to_number)
                values (v_tenant, c.cid, c.last_seq + 1, v_from, v_to);
        end if;
        if c.running_seq is not null then
            update @schema@.turns set state = 'interrupted', fenced = true, ended = v_now,
                reason = 'deadline: the lease of the turn''s holder ran out'
                where cid = c.cid and seq = c.running_seq;
        end if;
        kind := 'started';
        cid := c.cid;
        seq := c.last_seq + 1;
        insert into @schema@.turns (tenant, cid, seq, state, user_id, message, body, messages, metadata, key, digest, started, guest, retract_from)
            values (v_tenant, c.cid, c.last_seq + 1, 'running', p_user, p_message, p_body, p_count, p_metadata, p_key, p_digest, v_now,
                p_user <> '' and p_user <> c.user_id, nullif(p_retract, 0));
        update @schema@.conversations set last_seq = c.last_seq + 1, running_seq = c.last_seq + 1, running_attempt = p_attempt,
            running_holder = p_holder, running_until = v_until, updated = v_now, retracted = conversations.retracted + v_retracted
            where tenant = v_tenant and life = p_life and id = p_id;
    end if;
    created := c.created;
    return next;
end $$;

-- begin_3 is for plugins of schema version 3.
create or replace function @schema@.begin_3(p_life text, p_id text, p_user text, p_message json, p_metadata json,
    p_holder text, p_lease interval, p_key text, p_digest bytea, p_attempt text, p_owned boolean, p_body bytea)
returns table (kind text, cid bigint, seq bigint, number bigint, state text, reason text, user_id text, message json,
    replies json, body bytea, reply_bodies bytea, usage json, metadata json, record json, key text, started timestamptz, ended timestamptz)
language sql volatile as $$
    select b.kind, b.cid, b.seq, b.number, b.state, b.reason, b.user_id, b.message, b.replies, b.body, b.reply_bodies, b.usage,
        b.metadata, b.record, b.key, b.started, b.ended
    from @schema@.begin_4(p_life, p_id, p_user, p_message, p_metadata, p_holder, p_lease, p_key, p_digest, p_attempt, p_owned, p_body,
        1, 0) as b
$$;

-- commit returns the number of a turn that has been retracted since, too, whatever version of the plugin calls it.
-- It answers what became of it, in kind: done with the turn's number; stale for
-- a fence that holds nothing; other with the state in which the turn has ended.
create or replace function @schema@.commit_2(p_life text, p_id text, p_cid bigint, p_seq bigint, p_state text, p_reason text,
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
        number := coalesce(t.number, t.retracted_number, 0);
    end if;
    return next;
end $$;
