-- forget_tenant makes all cursors of each store key a single one to be forgotten. It stays held as long
-- as the last of them.
create function @schema@.forget_tenant_1(p_life text) returns void language sql volatile as $$
    with cursors as (
        delete from @schema@.cursors where tenant = @schema@.tenant_1() and life = p_life
            returning store_key, cid, holder, until),
    old as (
        delete from @schema@.forgets where tenant = @schema@.tenant_1() and life = p_life
                and (cid <> 0 or store_key = '' and p_life <> '')
            returning store_key, holder, until),
    every as (
        select store_key, holder, until from cursors where cid <> 0 or holder is not null
        union all
        select store_key, holder, until from old where store_key <> '')
    insert into @schema@.forgets as f (tenant, life, store_key, cid, user_id, id, holder, until)
        select @schema@.tenant_1(), p_life, store_key, 0, '', '', (array_agg(holder order by until desc))[1], max(until)
            from every group by store_key
        on conflict (cid, tenant, life, store_key, user_id) do update
            set holder = excluded.holder, until = greatest(f.until, excluded.until)
$$;

-- unlink puts conversations out of reach and answers how many. p_id and p_user are
-- null for any; p_before spares what was changed since or is held; p_end ends the
-- tenant's life.
create or replace function @schema@.unlink_1(p_life text, p_id text, p_user text, p_before timestamptz, p_end boolean)
returns bigint language plpgsql volatile as $$
declare
    v_tenant text := @schema@.tenant_1();
    v_count bigint;
begin
    if p_end and p_life <> '' then
        -- Whoever is about to make a conversation there has made it, or sees this.
        perform pg_advisory_xact_lock(@schema@.life_lock_1(p_life));
        insert into @schema@.ended_lives (tenant, life) values (v_tenant, p_life) on conflict do nothing;
    end if;
    if p_end then
        perform @schema@.forget_tenant_1(p_life);
    end if;
    with gone as (
        delete from @schema@.conversations
            where tenant = v_tenant and life = p_life
                and (p_id is null or id = p_id) and (p_user is null or user_id = p_user)
                and (p_before is null or updated < p_before
                    and (running_seq is null or not @schema@.alive_1(running_holder, running_until)))
            returning tenant, life, cid, id, user_id)
    insert into @schema@.trash (tenant, life, cid, id, user_id) select * from gone;
    get diagnostics v_count = row_count;
    if p_end then -- what was claimed while the conversations were deleted
        perform @schema@.forget_tenant_1(p_life);
    end if;
    return v_count;
end $$;

-- unlink notes that what the user wrote must be forgotten, for each claimed cursor of a conversation
-- with emptied turns.
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
    with emptied as (
        update @schema@.turns set state = case state when 'running' then 'interrupted' else state end,
            ended = case state when 'running' then greatest(clock_timestamp(), started) else ended end,
            reason = '', user_id = '', guest = false, message = null, replies = null, body = null, reply_bodies = null, messages = 0, usage = null,
            metadata = null, record = null, key = null, digest = null, fenced = true
            where cid = any(v_cids) and tenant = v_tenant and user_id = p_user
            returning cid),
    forgets as (
        insert into @schema@.forgets as f (tenant, life, store_key, cid, user_id, id, created)
            select v_tenant, p_life, k.store_key, c.cid, p_user, c.id, c.created
                from (select distinct cid from emptied) as e
                join @schema@.conversations as c on c.cid = e.cid
                join @schema@.cursors as k on k.cid = e.cid and k.tenant = v_tenant and k.life = p_life
                where k.holder is not null
            -- Whoever forgets them already has to begin again.
            on conflict (cid, tenant, life, store_key, user_id) do update set holder = null, until = '-infinity')
    select count(*) into v_count from emptied;
    update @schema@.conversations as c set running_seq = null, running_attempt = null, running_holder = null, running_until = null
        where cid = any(v_cids) and tenant = v_tenant and running_seq is not null
            and (select t.state from @schema@.turns as t where t.cid = c.cid and t.seq = c.running_seq) <> 'running';
    update @schema@.conversations set user_id = '' where cid = any(v_cids) and tenant = v_tenant and user_id = p_user;
    return v_count;
end $$;
