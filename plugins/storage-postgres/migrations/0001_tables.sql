-- Conversations, their turns, and what is left of deleted ones. The schema's name
-- stands where @schema@ is written; the whole layout is made in one transaction.

-- One row for each life of a conversation's id. It changes with every Begin and
-- Commit, and nothing that changes is indexed, so that those stay on its page.
create table @schema@.conversations (
    tenant text collate "C" not null,
    life text collate "C" not null, -- incarnation of the tenant; '' when not tracked
    id text collate "C" not null,
    cid bigint generated always as identity, -- never used again: fences carry it
    user_id text collate "C" not null, -- of the first turn
    last_seq bigint not null default 0, -- of all turns
    last_number bigint not null default 0, -- of the succeeded ones
    running_seq bigint, -- null while the conversation is free
    running_attempt text,
    running_holder text,
    running_until timestamptz,
    created timestamptz not null,
    updated timestamptz not null,
    primary key (tenant, life, id)
) with (fillfactor = 70);
create index conversations_by_user on @schema@.conversations (tenant, life, user_id, id);

-- One row for each turn. The user's message is written once, at the Begin; the
-- Commit adds the replies.
create table @schema@.turns (
    tenant text collate "C" not null,
    cid bigint not null,
    seq bigint not null,
    number bigint, -- null unless it succeeded
    state text not null check (state in ('running', 'succeeded', 'failed', 'interrupted')),
    reason text not null default '',
    user_id text not null,
    message json, -- the user's
    replies json, -- array of what came after it, or null
    messages int not null, -- how many these are together
    usage json,
    metadata json,
    record json,
    key text collate "C", -- for idempotency
    digest bytea, -- null for a key that replays nothing
    fenced boolean not null default false, -- true: no fence stands for it any more
    started timestamptz not null,
    ended timestamptz,
    primary key (cid, seq)
);
-- The newest succeeded turns, and pages of them.
create unique index turns_succeeded on @schema@.turns (cid, seq) where number is not null;
create index turns_by_key on @schema@.turns (cid, key, seq) where digest is not null;

-- Conversations that are deleted, of which turns may be left.
create table @schema@.trash (
    tenant text collate "C" not null,
    life text collate "C" not null,
    cid bigint not null,
    id text collate "C" not null,
    user_id text collate "C" not null,
    removed timestamptz not null default clock_timestamp(),
    primary key (tenant, life, cid)
);

-- Lives of tenants that take no writes any more.
create table @schema@.ended_lives (
    tenant text collate "C" not null,
    life text collate "C" not null,
    ended timestamptz not null default clock_timestamp(),
    primary key (tenant, life)
);

-- Hosts whose leases were renewed. Nothing of any tenant is in here.
create table @schema@.holders (
    holder text collate "C" primary key,
    until timestamptz not null
) with (fillfactor = 50);

alter table @schema@.conversations enable row level security, force row level security;
alter table @schema@.turns enable row level security, force row level security;
alter table @schema@.trash enable row level security, force row level security;
alter table @schema@.ended_lives enable row level security, force row level security;
create policy by_tenant on @schema@.conversations
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
create policy by_tenant on @schema@.turns
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
create policy by_tenant on @schema@.trash
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
create policy by_tenant on @schema@.ended_lives
    using (tenant = nullif(current_setting('botyard.tenant', true), ''));
