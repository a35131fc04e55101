-- Times are nanoseconds since 1970 in UTC: datetime(updated_at / 1000000000, 'unixepoch').
-- Messages are JSON as package chat has it: message ->> '$.parts[0].text'.

-- oldest: plugins that know only older layouts refuse the database.
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('oldest', 1);

-- A life of a tenant's id owns conversations. Deleting a tenant only marks its life; what
-- it owned is removed later. Lives with an incarnation stay, so that late writes are refused.
CREATE TABLE lives (
  id          INTEGER PRIMARY KEY,
  tenant      TEXT NOT NULL,
  incarnation TEXT NOT NULL,           -- '' when not tracked
  deleted_at  INTEGER,
  swept       INTEGER NOT NULL DEFAULT 0 -- nothing that it owned is left
) STRICT;
CREATE UNIQUE INDEX lives_living ON lives (tenant, incarnation) WHERE deleted_at IS NULL;
CREATE INDEX lives_tenant ON lives (tenant, incarnation, deleted_at);
CREATE INDEX lives_unswept ON lives (deleted_at) WHERE swept = 0 AND deleted_at IS NOT NULL;

CREATE TABLE conversations (
  id          INTEGER PRIMARY KEY,
  life        INTEGER NOT NULL REFERENCES lives (id),
  name        TEXT NOT NULL,           -- the conversation's id, as callers know it
  user        TEXT NOT NULL,           -- of its first turn
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  updated_day INTEGER NOT NULL,        -- updated_at in days, so that its index rarely changes
  sequence    INTEGER NOT NULL,        -- of the newest turn
  turns       INTEGER NOT NULL,        -- that succeeded
  running     INTEGER NOT NULL DEFAULT 0, -- sequence of the turn that runs, or 0
  holder      TEXT NOT NULL DEFAULT '',
  lease_until INTEGER NOT NULL DEFAULT 0,
  attempt     TEXT NOT NULL DEFAULT '',
  deleted_at  INTEGER
) STRICT;
CREATE UNIQUE INDEX conversations_name ON conversations (life, name) WHERE deleted_at IS NULL;
CREATE INDEX conversations_user ON conversations (life, user, name) WHERE deleted_at IS NULL;
CREATE INDEX conversations_day ON conversations (life, updated_day) WHERE deleted_at IS NULL;
CREATE INDEX conversations_deleted ON conversations (life, user, name, deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE turns (
  id                  INTEGER PRIMARY KEY,
  conversation        INTEGER NOT NULL REFERENCES conversations (id),
  sequence            INTEGER NOT NULL,
  number              INTEGER NOT NULL DEFAULT 0,
  state               TEXT NOT NULL,   -- running, succeeded, failed, interrupted
  reason              TEXT NOT NULL DEFAULT '',
  user                TEXT NOT NULL,
  started_at          INTEGER NOT NULL,
  ended_at            INTEGER NOT NULL DEFAULT 0,
  fence               TEXT,            -- of a turn that was begun here and not overtaken
  key                 TEXT NOT NULL DEFAULT '',
  digest              BLOB,            -- of the request that the key stands for
  input_tokens        INTEGER NOT NULL DEFAULT 0,
  output_tokens       INTEGER NOT NULL DEFAULT 0,
  cached_input_tokens INTEGER NOT NULL DEFAULT 0,
  reasoning_tokens    INTEGER NOT NULL DEFAULT 0,
  messages            INTEGER NOT NULL, -- how many
  metadata            TEXT,
  record              TEXT,
  message             TEXT,            -- the first
  replies             TEXT             -- the others, a list
) STRICT;
CREATE UNIQUE INDEX turns_sequence ON turns (conversation, sequence);
CREATE INDEX turns_log ON turns (conversation, sequence) WHERE state = 'succeeded';
CREATE INDEX turns_key ON turns (conversation, key, sequence) WHERE digest IS NOT NULL;

-- All turns of a holder live as long as its lease.
CREATE TABLE holders (
  holder TEXT PRIMARY KEY,
  until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The tenants of hosts that keep them here: the newest version, and the versions.
CREATE TABLE tenants (
  tenant   TEXT PRIMARY KEY,
  version  INTEGER NOT NULL,
  position INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE registrations (
  position    INTEGER PRIMARY KEY,     -- among all versions of all tenants
  tenant      TEXT NOT NULL,
  version     INTEGER NOT NULL,
  state       TEXT NOT NULL,           -- active, removed, purged, of_file
  incarnation TEXT NOT NULL,
  document    BLOB NOT NULL,
  note        TEXT NOT NULL,
  attempt     TEXT NOT NULL,
  created_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX registrations_version ON registrations (tenant, version);

-- What was said, for people.
CREATE VIEW said AS
SELECT l.tenant, c.name AS conversation, t.sequence, t.state, t.user,
       datetime(t.started_at / 1000000000, 'unixepoch') AS started,
       t.message ->> '$.parts[0].text' AS message,
       t.replies ->> '$[#-1].parts[0].text' AS reply, t.reason
FROM lives l
JOIN conversations c ON c.life = l.id AND c.deleted_at IS NULL
JOIN turns t ON t.conversation = c.id
WHERE l.deleted_at IS NULL;
