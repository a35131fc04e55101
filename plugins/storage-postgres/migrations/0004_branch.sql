-- branch makes the conversation p_id as a copy of the succeeded turns of p_source up to the number
-- p_through, or all of them for 0. It answers what became of it, in kind: done; exists; missing for a
-- source that does not exist or is not the user's, where p_owned wants it to be; unnumbered if no turn
-- has the number; many for more than p_most turns; ended for a life that ended.
create function @schema@.branch_1(p_life text, p_id text, p_user text, p_source text, p_through bigint, p_owned boolean, p_most int)
returns table (kind text, cid bigint, created timestamptz, copied bigint, through bigint) language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_seq bigint; -- of the last turn that is copied
    s @schema@.conversations;
    c @schema@.conversations;
begin
    loop
        select * into c from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_id;
        if found then
            kind := 'exists';
            if c.branch_of = p_source and (p_through = 0 or c.branch_at = p_through) and (not p_owned or c.user_id = p_user) then
                return query select 'done', c.cid, c.created, c.branch_turns, c.branch_at;
                return;
            end if;
            return next;
            return;
        end if;
        -- No turn begins or ends in the source until this transaction ends. Several branches of it are made at once.
        select * into s from @schema@.conversations where tenant = v_tenant and life = p_life and id = p_source
            and (not p_owned or user_id = p_user) for share;
        if not found then
            kind := 'missing';
            return next;
            return;
        end if;
        select max(t.seq), count(*), coalesce(max(t.number), 0) into v_seq, copied, through from (
            select seq, number from @schema@.turns where cid = s.cid and number is not null order by seq limit p_most + 1) as t
            where p_through = 0 or t.number <= p_through;
        if copied > p_most then
            kind := 'many';
            return next;
            return;
        elsif p_through > 0 and through <> p_through then
            kind := 'unnumbered';
            return next;
            return;
        end if;
        c := @schema@.take_1(p_life, p_id, p_user);
        if c.cid is null then
            kind := 'ended';
            return next;
            return;
        end if;
        exit when c.last_seq = 0 and c.branch_of is null;
    end loop; -- another made it just then

    insert into @schema@.turns (tenant, cid, seq, number, state, reason, user_id, message, replies, body, reply_bodies, messages,
            usage, metadata, record, key, fenced, started, ended, guest)
        select v_tenant, c.cid, row_number() over (order by t.seq), row_number() over (order by t.seq), t.state, t.reason, t.user_id,
            t.message, t.replies, t.body, t.reply_bodies, t.messages, t.usage, t.metadata, t.record, t.key, true, t.started, t.ended,
            t.user_id <> '' and t.user_id <> p_user
        from @schema@.turns as t where t.cid = s.cid and t.number is not null and t.seq <= v_seq;
    update @schema@.conversations set last_seq = copied, last_number = copied, branch_of = p_source, branch_at = through,
        branch_turns = copied where tenant = v_tenant and life = p_life and id = p_id;
    kind := 'done';
    cid := c.cid;
    created := c.created;
    return next;
end $$;
