-- unlink puts conversations out of reach and answers how many. p_id and p_user are
-- null for any; p_before spares what was changed since or is held; p_end ends the
-- tenant's life.
create function @schema@.unlink_1(p_life text, p_id text, p_user text, p_before timestamptz, p_end boolean)
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
    with gone as (
        delete from @schema@.conversations
            where tenant = v_tenant and life = p_life
                and (p_id is null or id = p_id) and (p_user is null or user_id = p_user)
                and (p_before is null or updated < p_before
                    and (running_seq is null or not @schema@.alive_1(running_holder, running_until)))
            returning tenant, life, cid, id, user_id)
    insert into @schema@.trash (tenant, life, cid, id, user_id) select * from gone;
    get diagnostics v_count = row_count;
    return v_count;
end $$;

-- sweep removes about p_limit turns of what is out of reach, and answers how many
-- conversations and turns are gone with that, and whether some are left.
create function @schema@.sweep_1(p_life text, p_id text, p_user text, p_limit int)
returns table (conversations bigint, turns bigint, more boolean) language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_count int;
    v_turns int := 0;
    v_cid bigint;
begin
    conversations := 0;
    while v_turns < p_limit and conversations < p_limit loop
        select cid into v_cid from @schema@.trash
            where tenant = v_tenant and life = p_life
                and (p_id is null or id = p_id) and (p_user is null or user_id = p_user)
            order by cid limit 1 for update;
        if not found then -- or another call removed it while this one waited
            exit when not exists (select from @schema@.trash
                where tenant = v_tenant and life = p_life
                    and (p_id is null or id = p_id) and (p_user is null or user_id = p_user));
            continue;
        end if;
        delete from @schema@.turns where cid = v_cid and seq in (
            select seq from @schema@.turns where cid = v_cid order by seq limit p_limit - v_turns);
        get diagnostics v_count = row_count;
        v_turns := v_turns + v_count;
        if not exists (select from @schema@.turns where cid = v_cid) then
            delete from @schema@.trash where tenant = v_tenant and life = p_life and cid = v_cid;
            conversations := conversations + 1;
        end if;
    end loop;
    turns := v_turns;
    more := exists (select from @schema@.trash
        where tenant = v_tenant and life = p_life
            and (p_id is null or id = p_id) and (p_user is null or user_id = p_user));
    return next;
end $$;
