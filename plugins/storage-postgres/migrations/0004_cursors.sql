-- How far conversations were followed, for each store key, and what must be forgotten because its
-- conversation, user or tenant was deleted.

-- How many cursors the conversation has. The index finds conversations that lack some.
--
-- In a large database the index takes long, and turns wait for it. So an operator may have made the
-- column and the index before, with the statements of docs/databases.md.
alter table @schema@.conversations add column if not exists followers int not null default 0;
create index if not exists conversations_by_followers on @schema@.conversations (tenant, life, followers, cid);

create table @schema@.cursors (
    tenant text collate "C" not null,
    life text collate "C" not null,
    store_key text collate "C" not null,
    cid bigint not null, -- 0 for the tenant's background work, which each store key has
    seq bigint not null default 0, -- turns up to this one were followed
    data bytea not null default '',
    behind boolean not null, -- a turn with a greater sequence has ended
    holder text collate "C", -- null: nobody has claimed it yet
    until timestamptz not null default '-infinity', -- of the claim
    -- With cid 0: greater for store keys that were claimed later; 0 while the cursors of the store key are dropped.
    used bigint,
    primary key (cid, tenant, life, store_key)
);
create index cursors_behind on @schema@.cursors (tenant, life, store_key, behind, until);

-- A row without a store key says that the cursors of a store key of the life were dropped.
create table @schema@.forgets (
    tenant text collate "C" not null,
    life text collate "C" not null,
    store_key text collate "C" not null,
    cid bigint not null, -- 0 for all of the tenant
    user_id text collate "C" not null, -- whose turns were emptied; '' for all of the conversation
    id text collate "C" not null, -- of the conversation
    created timestamptz, -- of the conversation
    seq bigint not null default 0, -- of the cursor
    data bytea not null default '', -- of the cursor
    holder text collate "C",
    until timestamptz not null default '-infinity',
    primary key (cid, tenant, life, store_key, user_id)
);
create index forgets_by_until on @schema@.forgets (tenant, life, store_key, until);
create index forgets_by_conversation on @schema@.forgets using hash (id);

alter table @schema@.cursors enable row level security, force row level security;
alter table @schema@.forgets enable row level security, force row level security;
create policy by_tenant on @schema@.cursors
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
create policy by_tenant on @schema@.forgets
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));

-- The end of a turn puts the cursors of its conversation behind, whatever version of the plugin ends it.
create function @schema@.turn_ended_1() returns trigger language plpgsql as $$
begin
    update @schema@.cursors set behind = true where cid = new.cid and tenant = new.tenant and not behind;
    return null;
end $$;
create trigger turn_ended after update on @schema@.conversations for each row
    when (new.followers > 0 and (old.running_seq is not null and new.running_seq is distinct from old.running_seq
        or new.running_seq is null and new.last_seq > old.last_seq))
    execute function @schema@.turn_ended_1();

-- The deletion of conversations, by any version of the plugin, makes their claimed cursors ones to be
-- forgotten. They stay held.
create function @schema@.conversations_deleted_1() returns trigger language plpgsql as $$
begin
    with cursors as (
        delete from @schema@.cursors as k using gone as g where k.cid = g.cid and k.tenant = g.tenant and g.followers > 0
            returning k.*, g.id, g.created),
    users as ( -- what was to be forgotten of users goes with the conversation
        delete from @schema@.forgets as f using gone as g where f.cid = g.cid and f.tenant = g.tenant and g.followers > 0)
    insert into @schema@.forgets (tenant, life, store_key, cid, user_id, id, created, seq, data, holder, until)
        select tenant, life, store_key, cid, '', id, created, seq, data, holder, until from cursors where holder is not null;
    delete from @schema@.retractions as r using gone as g where r.cid = g.cid and r.tenant = g.tenant;
    return null;
end $$;
create trigger conversations_deleted after delete on @schema@.conversations referencing old table as gone
    for each statement execute function @schema@.conversations_deleted_1();

-- store_keys_lock is the lock of the store keys of a life. A claim shares it, so that no cursors of its
-- store key are dropped meanwhile.
create function @schema@.store_keys_lock_1(p_life text) returns bigint language sql stable as $$
    select hashtextextended('@schema@ store keys ' || length(p_life) || p_life || @schema@.tenant_1(), 0)
$$;

-- lost answers whether cursors of a store key of the life were dropped.
create function @schema@.lost_1(p_life text) returns boolean language sql stable as $$
    select exists (select from @schema@.forgets where cid = 0 and tenant = @schema@.tenant_1() and life = p_life and store_key = '')
$$;

-- room makes room for another store key beside p_most - 1 others. It answers yes if there is; again after
-- a step of dropping the cursors of the store key that was claimed least recently, of those of which
-- nobody holds a cursor; busy if all are held. The caller has the lock of the store keys.
create function @schema@.room_1(p_life text, p_most int) returns text language plpgsql volatile
set plan_cache_mode = force_custom_plan set enable_seqscan = off as $$
declare
    c_step constant int := 1000; -- rows that one call deletes
    v_tenant text := @schema@.tenant_1();
    v_now timestamptz := clock_timestamp();
    v_key text;
    v_cids bigint[];
begin
    select store_key into v_key from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life and used = 0;
    if not found then
        if (select count(*) from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life) < p_most then
            return 'yes';
        end if;
        select k.store_key into v_key from @schema@.cursors as k
            where k.cid = 0 and k.tenant = v_tenant and k.life = p_life
                and not exists (select from @schema@.cursors as h
                    where h.tenant = v_tenant and h.life = p_life and h.store_key = k.store_key and h.until > v_now)
                and not exists (select from @schema@.forgets as f
                    where f.tenant = v_tenant and f.life = p_life and f.store_key = k.store_key and f.until > v_now)
            order by k.used limit 1;
        if not found then
            return 'busy';
        end if;
        update @schema@.cursors set used = 0 where cid = 0 and tenant = v_tenant and life = p_life and store_key = v_key;
        insert into @schema@.forgets (tenant, life, store_key, cid, user_id, id) values (v_tenant, p_life, '', 0, '', '')
            on conflict do nothing;
    end if;
    v_cids := array(
        select cid from @schema@.cursors where tenant = v_tenant and life = p_life and store_key = v_key and cid <> 0 limit c_step);
    if cardinality(v_cids) > 0 then
        -- Whoever locks a conversation and its cursors locks the conversation first.
        perform from @schema@.conversations where cid = any(v_cids) and tenant = v_tenant order by cid for no key update;
        delete from @schema@.cursors where cid = any(v_cids) and tenant = v_tenant and life = p_life and store_key = v_key;
        update @schema@.conversations set followers = greatest(followers - 1, 0) where cid = any(v_cids) and tenant = v_tenant;
        return 'again';
    end if;
    delete from @schema@.forgets as f using (
            select cid, user_id from @schema@.forgets where tenant = v_tenant and life = p_life and store_key = v_key limit c_step) as part
        where f.tenant = v_tenant and f.life = p_life and f.store_key = v_key and f.cid = part.cid and f.user_id = part.user_id;
    if not found then
        delete from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life and store_key = v_key;
    end if;
    return 'again';
end $$;

-- know notes that a store key was claimed last. It answers yes; ended for a life that ended; unknown for a
-- claim of what must be forgotten of a store key without cursors; and what room answers if there is none
-- for a new store key.
create function @schema@.know_1(p_life text, p_key text, p_kind text, p_most int) returns text language plpgsql volatile as $$
declare
    v_tenant text := @schema@.tenant_1();
    v_used bigint;
    v_last bigint;
    v_room text;
begin
    if exists (select from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life and store_key = p_key and used > 0) then
        perform pg_advisory_xact_lock_shared(@schema@.store_keys_lock_1(p_life));
        select used into v_used from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life and store_key = p_key;
        if v_used is null or v_used = 0 then
            return 'again'; -- dropped just then
        end if;
        select max(used) into v_last from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life;
        if v_used < v_last then
            update @schema@.cursors set used = v_last + 1 where cid = 0 and tenant = v_tenant and life = p_life and store_key = p_key;
        end if;
        return 'yes';
    end if;
    if p_kind = 'forget' and not @schema@.lost_1(p_life) then
        return 'unknown';
    end if;
    if p_life <> '' then
        perform pg_advisory_xact_lock_shared(@schema@.life_lock_1(p_life));
        if exists (select from @schema@.ended_lives where tenant = v_tenant and life = p_life) then
            return 'ended';
        end if;
    end if;
    perform pg_advisory_xact_lock(@schema@.store_keys_lock_1(p_life));
    if exists (select from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life and store_key = p_key and used > 0) then
        return 'again'; -- made just then
    end if;
    v_room := @schema@.room_1(p_life, p_most);
    if v_room <> 'yes' then
        return v_room;
    end if;
    insert into @schema@.cursors (tenant, life, store_key, cid, behind, used)
        select v_tenant, p_life, p_key, 0, false, 1 + coalesce(max(used), 0)
            from @schema@.cursors where cid = 0 and tenant = v_tenant and life = p_life;
    if @schema@.lost_1(p_life) then
        insert into @schema@.forgets (tenant, life, store_key, cid, user_id, id) values (v_tenant, p_life, p_key, 0, '', '')
            on conflict do nothing;
    end if;
    return 'yes';
end $$;

-- claim answers the cursors that it has claimed for the holder, first those to be forgotten, and then
-- a row that says whether more could be claimed now, and whether others hold some. p_id is null for
-- any conversation. p_kind is all, forget or work. It skips rows that another claim has locked. So
-- claims do not wait for each other. Its plans are made for its arguments and read indexes, also where
-- statistics are old. p_keys is how many store keys a tenant may have. A single row with more = null says
-- that there is no room for a new one: with held, since all are held; otherwise the claim is to be made
-- again, which makes more room.
create function @schema@.claim_1(p_life text, p_id text, p_key text, p_holder text, p_lease interval, p_limit int, p_kind text, p_keys int)
returns table (forget boolean, id text, cid bigint, created timestamptz, user_id text, seq bigint, data bytea, more boolean, held boolean)
language plpgsql volatile set plan_cache_mode = force_custom_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_now timestamptz := clock_timestamp();
    v_until timestamptz := clock_timestamp() + p_lease;
    v_cid bigint; -- of p_id
    v_cursors boolean := false; -- cursors are claimed too
    v_known text;
    v_forget_id text := p_id; -- the conversation of which something must be forgotten; null for any
    v_all boolean; -- all of the tenant must be forgotten for the store key
    v_keys bigint; -- how many store keys have cursors
    v_got int := 0;
    v_count int;
    v_own boolean;
    v_left boolean;
begin
    v_known := @schema@.know_1(p_life, p_key, p_kind, p_keys);
    if v_known in ('again', 'busy') then
        held := v_known = 'busy';
        return next;
        return;
    end if;
    v_all := exists (
        select from @schema@.forgets as f where f.cid = 0 and f.tenant = v_tenant and f.life = p_life and f.store_key = p_key);
    if v_all then
        v_forget_id := null;
    end if;
    if v_known <> 'yes' then
        if p_kind = 'work' then
            return;
        end if;
    elsif p_kind = 'work' and v_all then
        more := false;
        held := true;
        return next;
        return;
    elsif p_kind = 'work' then
        return query
            with free as (
                select k.cid from @schema@.cursors as k where k.cid = 0 and k.tenant = v_tenant and k.life = p_life and k.store_key = p_key
                    and (k.until <= v_now or k.holder = p_holder) for update skip locked)
            update @schema@.cursors as k set holder = p_holder, until = v_until from free
                where k.cid = free.cid and k.tenant = v_tenant and k.life = p_life and k.store_key = p_key
                returning false, '', 0::bigint, null::timestamptz, '', k.seq, k.data, null::boolean, null::boolean;
        held := not found;
        more := false;
        return next;
        return;
    elsif p_kind = 'all' and not v_all then
        if p_id is not null then
            select c.cid into v_cid from @schema@.conversations as c where c.tenant = v_tenant and c.life = p_life and c.id = p_id;
        end if;
        v_cursors := p_id is null or v_cid is not null;
        select count(*) into v_keys from @schema@.cursors as k where k.cid = 0 and k.tenant = v_tenant and k.life = p_life and k.used > 0;
    end if;

    -- First what the holder holds already, then what is free.
    foreach v_own in array array[true, false] loop
        return query
            with free as (
                select f.cid, f.user_id from @schema@.forgets as f
                    where f.tenant = v_tenant and f.life = p_life and f.store_key = p_key and (v_forget_id is null or f.id = v_forget_id)
                        and case when v_own then f.until > v_now and f.holder = p_holder else f.until <= v_now end
                        and (f.user_id = '' or not exists (
                            select from @schema@.cursors as k where k.cid = f.cid and k.tenant = v_tenant and k.life = p_life
                                and k.store_key = p_key and k.until > v_now and k.holder <> p_holder))
                    order by f.until limit p_limit - v_got for update of f skip locked)
            update @schema@.forgets as f set holder = p_holder, until = v_until from free
                where f.cid = free.cid and f.user_id = free.user_id and f.tenant = v_tenant and f.life = p_life and f.store_key = p_key
                returning true, f.id, f.cid, f.created, f.user_id, f.seq, f.data, null::boolean, null::boolean;
        get diagnostics v_count = row_count;
        v_got := v_got + v_count;
    end loop;

    v_own := true;
    while v_cursors and v_got < p_limit loop
        return query
            with free as (
                select k.cid from @schema@.cursors as k
                    where k.tenant = v_tenant and k.life = p_life and k.store_key = p_key and k.behind and (p_id is null or k.cid = v_cid)
                        and case when v_own then k.until > v_now and k.holder = p_holder else k.until <= v_now end
                    order by k.until limit p_limit - v_got for update skip locked)
            update @schema@.cursors as k set holder = p_holder, until = v_until
                from free join @schema@.conversations as c on c.cid = free.cid and c.tenant = v_tenant
                where k.cid = free.cid and k.tenant = v_tenant and k.life = p_life and k.store_key = p_key
                returning false, c.id, k.cid, c.created, c.user_id, k.seq, k.data, null::boolean, null::boolean;
        get diagnostics v_count = row_count;
        v_got := v_got + v_count;
        if v_own then
            v_own := false;
        elsif v_got < p_limit then
            -- None is behind any more of those that have cursors. So others get theirs, of all store keys at once.
            with keys as (
                select k.store_key from @schema@.cursors as k where k.cid = 0 and k.tenant = v_tenant and k.life = p_life and k.used > 0),
            bare as (
                select c.cid, c.last_seq - (c.running_seq is not null)::int as ended from @schema@.conversations as c
                    where c.tenant = v_tenant and c.life = p_life and c.followers < v_keys and (p_id is null or c.id = p_id)
                    order by c.followers, c.cid limit 1000 for no key update skip locked),
            made as (
                insert into @schema@.cursors (tenant, life, store_key, cid, behind)
                    select v_tenant, p_life, keys.store_key, bare.cid, bare.ended > 0 from bare cross join keys on conflict do nothing)
            update @schema@.conversations as c set followers = (select count(*) from keys) from bare
                where c.cid = bare.cid and c.tenant = v_tenant;
            exit when not found;
        end if;
    end loop;

    v_left := exists (
            select from @schema@.forgets as f where f.tenant = v_tenant and f.life = p_life and f.store_key = p_key
                and (v_forget_id is null or f.id = v_forget_id) and f.until <= v_now)
        or v_cursors and (exists (
            select from @schema@.cursors as k where k.tenant = v_tenant and k.life = p_life and k.store_key = p_key and k.behind
                and (p_id is null or k.cid = v_cid) and k.until <= v_now)
        or exists (
            select from @schema@.conversations as c where c.tenant = v_tenant and c.life = p_life and (p_id is null or c.id = p_id)
                and c.followers < v_keys));
    more := v_left and v_got >= p_limit;
    held := v_left and v_got < p_limit
        or exists (
            select from @schema@.forgets as f where f.tenant = v_tenant and f.life = p_life and f.store_key = p_key
                and (v_forget_id is null or f.id = v_forget_id) and f.until > v_now and f.holder <> p_holder)
        or v_cursors and exists (
            select from @schema@.cursors as k where k.tenant = v_tenant and k.life = p_life and k.store_key = p_key and k.behind
                and (p_id is null or k.cid = v_cid) and k.until > v_now and k.holder <> p_holder);
    return next;
end $$;

-- advance moves a cursor, or removes one that was forgotten. p_cid is 0 for background work and for
-- all of the tenant. p_lease is null to give the claim up. It answers done; lost if the holder does not
-- have the claim; gone if the conversation was deleted.
create function @schema@.advance_1(p_life text, p_id text, p_cid bigint, p_created timestamptz, p_key text, p_holder text,
    p_seq bigint, p_data bytea, p_lease interval, p_forgotten boolean, p_user text)
returns text language plpgsql volatile as $$
declare
    v_tenant text := @schema@.tenant_1();
    v_holder text;
    c @schema@.conversations;
begin
    if p_forgotten then
        select holder into v_holder from @schema@.forgets
            where cid = p_cid and tenant = v_tenant and life = p_life and store_key = p_key and user_id = p_user for update;
        if found and v_holder is distinct from p_holder then
            return 'lost';
        end if;
        delete from @schema@.forgets
            where cid = p_cid and tenant = v_tenant and life = p_life and store_key = p_key and user_id = p_user;
        return 'done';
    end if;
    if p_cid <> 0 then
        -- No turn begins or ends there until this transaction ends. Whoever ends one locks the cursor after the conversation too.
        select * into c from @schema@.conversations
            where cid = p_cid and tenant = v_tenant and life = p_life and id = p_id and created = p_created for no key update;
        if not found then
            return 'gone';
        end if;
    end if;
    update @schema@.cursors set seq = greatest(seq, p_seq), data = case when p_seq >= seq then p_data else data end,
        until = clock_timestamp() + coalesce(p_lease, interval '0'),
        behind = p_cid <> 0 and c.last_seq - (c.running_seq is not null)::int > greatest(seq, p_seq)
        where cid = p_cid and tenant = v_tenant and life = p_life and store_key = p_key and holder = p_holder;
    return case when found then 'done' else 'lost' end;
end $$;
