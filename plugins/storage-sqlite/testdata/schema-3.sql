-- A database as the plugin of schema version 3 wrote it.
PRAGMA user_version = 3; PRAGMA application_id = 1651471481;
BEGIN TRANSACTION;
CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('oldest',1);
CREATE TABLE lives (
  id          INTEGER PRIMARY KEY,
  tenant      TEXT NOT NULL,
  incarnation TEXT NOT NULL,           -- '' when not tracked
  deleted_at  INTEGER,
  swept       INTEGER NOT NULL DEFAULT 0 -- nothing that it owned is left
) STRICT;
INSERT INTO lives VALUES(1,'t','',NULL,0);
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
INSERT INTO conversations VALUES(1,1,'c','ann',1796029115683495075,1796029115708884642,20787,4,3,0,'',0,'',NULL);
INSERT INTO conversations VALUES(2,1,'running','ann',1796029115711558979,1796029115711558979,20787,1,0,1,'h',1796029175711558979,'slow',NULL);
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
, body BLOB, reply_bodies BLOB, usage TEXT) STRICT;
INSERT INTO turns VALUES(1,1,1,1,'succeeded','','ann',1796029115683495075,1796029115686931672,'FFPF4LEFQAA24','',NULL,0,0,0,0,2,'{"from": "web"}','{"model": "m"}','{"role":"user","parts":[{"text":"one"}]}','[{"role":"assistant","parts":[{"text":"eins"}]}]',X'09080212050a036f6e65',X'0a080312060a0465696e73','{"input_tokens":7,"output_tokens":3}');
INSERT INTO turns VALUES(2,1,2,0,'failed','','ann',1796029115694686238,1796029115696572626,'HBMVU5J5KH6NT','',NULL,0,0,0,0,1,'{"from": "web"}','{"model": "m"}','{"role":"user","parts":[{"text":"again"}]}',NULL,X'0b080212070a05616761696e',NULL,'{"input_tokens":7,"output_tokens":3}');
INSERT INTO turns VALUES(3,1,3,2,'succeeded','','ann',1796029115698443275,1796029115700559104,'P633X4KANPSVV','k',X'646967657374206f66206b',0,0,0,0,4,'{"from": "web"}','{"model": "m"}','{"role":"user","parts":[{"text":"two"}]}','[{"role":"assistant","parts":[{"text":""}]},{"role":"assistant","parts":[{"text":""}]},{"role":"assistant","parts":[{"text":"zwei"}]}]',X'09080212050a0374776f',X'130803120f220d0a0131120466696e641a027b7d120804120e2a0c0a01311a070a05666f756e640a080312060a047a776569','{"input_tokens":7,"output_tokens":3}');
INSERT INTO turns VALUES(4,1,4,3,'succeeded','','bob',1796029115702110966,1796029115708884642,'MGXE24TJZHZNR','',NULL,0,0,0,0,2,'{"from": "web"}','{"model": "m"}','{"role":"user","parts":[{"text":"three"}]}','[{"role":"assistant","parts":[{"text":"drei"}]}]',X'0b080212070a057468726565',X'0a080312060a0464726569','{"input_tokens":7,"output_tokens":3}');
INSERT INTO turns VALUES(5,2,1,0,'running','','ann',1796029115711558979,0,'HPIQBZHFP4HHF','',NULL,0,0,0,0,1,'{"from": "web"}',NULL,'{"role":"user","parts":[{"text":"slow"}]}',NULL,X'0a080212060a04736c6f77',NULL,NULL);
CREATE TABLE holders (
  holder TEXT PRIMARY KEY,
  until  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
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
CREATE TABLE writers (
  life         INTEGER NOT NULL,
  user         TEXT NOT NULL,
  name         TEXT NOT NULL,           -- of the conversation
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  PRIMARY KEY (life, user, name, conversation)
) STRICT, WITHOUT ROWID;
INSERT INTO writers VALUES(1,'bob','c',1);
CREATE UNIQUE INDEX lives_living ON lives (tenant, incarnation) WHERE deleted_at IS NULL;
CREATE INDEX lives_tenant ON lives (tenant, incarnation, deleted_at);
CREATE INDEX lives_unswept ON lives (deleted_at) WHERE swept = 0 AND deleted_at IS NOT NULL;
CREATE UNIQUE INDEX conversations_name ON conversations (life, name) WHERE deleted_at IS NULL;
CREATE INDEX conversations_user ON conversations (life, user, name) WHERE deleted_at IS NULL;
CREATE INDEX conversations_day ON conversations (life, updated_day) WHERE deleted_at IS NULL;
CREATE INDEX conversations_deleted ON conversations (life, user, name, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE UNIQUE INDEX turns_sequence ON turns (conversation, sequence);
CREATE INDEX turns_log ON turns (conversation, sequence) WHERE state = 'succeeded';
CREATE INDEX turns_key ON turns (conversation, key, sequence) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX registrations_version ON registrations (tenant, version);
CREATE VIEW said AS
SELECT l.tenant, c.name AS conversation, t.sequence, t.state, t.user,
       datetime(t.started_at / 1000000000, 'unixepoch') AS started,
       t.message ->> '$.parts[0].text' AS message,
       t.replies ->> '$[#-1].parts[0].text' AS reply, t.reason
FROM lives l
JOIN conversations c ON c.life = l.id AND c.deleted_at IS NULL
JOIN turns t ON t.conversation = c.id
WHERE l.deleted_at IS NULL;
CREATE INDEX writers_conversation ON writers (conversation);
CREATE TRIGGER turns_writers AFTER INSERT ON turns WHEN NEW.user <> '' BEGIN
  INSERT OR IGNORE INTO writers (life, user, name, conversation)
    SELECT c.life, NEW.user, c.name, c.id FROM conversations c WHERE c.id = NEW.conversation AND c.user <> NEW.user;
END;
CREATE TRIGGER conversations_writers BEFORE DELETE ON conversations BEGIN
  DELETE FROM writers WHERE conversation = OLD.id;
END;
CREATE TRIGGER turns_emptied AFTER UPDATE OF message ON turns WHEN NEW.message IS NULL AND NEW.body IS NOT NULL BEGIN
  UPDATE turns SET body = NULL, reply_bodies = NULL, usage = NULL WHERE id = NEW.id;
END;
COMMIT;
