-- The tenants of hosts: every version of what is registered under an id, and which
-- is the newest.

create table @schema@.registrations (
    tenant text collate "C" not null,
    version bigint not null,
    position bigint not null,
    state text not null check (state in ('active', 'removed', 'purged', 'of_file')),
    incarnation text not null,
    document bytea not null,
    note text not null,
    attempt text not null,
    created timestamptz not null,
    primary key (tenant, version)
);

create table @schema@.tenants (
    tenant text collate "C" primary key,
    version bigint not null, -- the newest
    position bigint not null -- of that
);
create unique index tenants_by_position on @schema@.tenants (position);

-- One row. Whoever numbers a version locks it until the end of the transaction, so
-- that positions become visible in their order. Nothing of any tenant is in here.
create table @schema@.registry (
    one boolean primary key default true check (one),
    position bigint not null
) with (fillfactor = 10);
insert into @schema@.registry (position) values (0);

alter table @schema@.registrations enable row level security, force row level security;
alter table @schema@.tenants enable row level security, force row level security;
create policy by_tenant on @schema@.registrations
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
create policy by_tenant on @schema@.tenants
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
-- The calls that name no tenant see all, and change none.
create policy whole_registry on @schema@.registrations for select
    using (current_setting('botyard.registry', true) = 'all');
create policy whole_registry on @schema@.tenants for select
    using (current_setting('botyard.registry', true) = 'all');

-- put stores the next version and answers it: kind put or again. Otherwise it answers
-- the newest version, 0 for none, in a row of kind conflict.
create function @schema@.put_1(p_if bigint, p_state text, p_incarnation text, p_document bytea, p_note text,
    p_attempt text, p_forget boolean, p_keep bigint, p_channel text)
returns table (kind text, tenant text, version bigint, "position" bigint, state text, incarnation text, document bytea,
    note text, attempt text, created timestamptz)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_tenant text := @schema@.tenant_1();
    v_position bigint;
    r @schema@.registrations;
begin
    select position + 1 into v_position from @schema@.registry for update;
    select n.* into r from @schema@.tenants as t join @schema@.registrations as n using (tenant, version)
        where t.tenant = v_tenant;
    if r.attempt = p_attempt then
        return query select 'again', r.*;
        return;
    end if;
    if coalesce(r.version, 0) <> p_if then
        kind := 'conflict';
        version := coalesce(r.version, 0);
        return next;
        return;
    end if;
    r := (v_tenant, p_if + 1, v_position, p_state, p_incarnation, p_document, p_note, p_attempt, clock_timestamp());
    insert into @schema@.registrations select r.*;
    delete from @schema@.registrations
        where tenant = v_tenant and version < case when p_forget then r.version else r.version - p_keep + 1 end;
    insert into @schema@.tenants as t (tenant, version, position) values (v_tenant, r.version, v_position)
        on conflict (tenant) do update set version = excluded.version, position = excluded.position;
    update @schema@.registry set position = v_position;
    perform pg_notify(p_channel, '');
    return query select 'put', r.*;
end $$;
