-- The columns message and body of a turn have all messages with which the turn began: message has one
-- message with all their texts.

-- A text that no other conversation of the tenant has or had, whatever its name is.
ALTER TABLE conversations ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
UPDATE conversations SET incarnation = lower(hex(randomblob(10)));

-- A turn that succeeded and was retracted has the state interrupted and no number, so that plugins of
-- earlier schema versions leave it out too. The column turns of a conversation counts it all the same,
-- because its number is not used again.
ALTER TABLE turns ADD COLUMN retracted INTEGER; -- the number of a turn that was retracted
-- Two bytes that a retraction removes, because interrupted is two letters longer than succeeded. A row
-- that keeps its size is changed in place, without its messages being written again.
ALTER TABLE turns ADD COLUMN spare TEXT NOT NULL DEFAULT '  ';
ALTER TABLE conversations ADD COLUMN retracted INTEGER NOT NULL DEFAULT 0; -- how many of its turns were
ALTER TABLE conversations ADD COLUMN emptied INTEGER NOT NULL DEFAULT 0;   -- how many were, of deleted users

-- Which numbers the Begin of a turn retracted.
CREATE TABLE retractions (
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  sequence     INTEGER NOT NULL,        -- of the turn
  first        INTEGER NOT NULL,
  last         INTEGER NOT NULL,
  PRIMARY KEY (conversation, sequence)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER turns_retractions AFTER DELETE ON turns BEGIN
  DELETE FROM retractions WHERE conversation = OLD.conversation AND sequence = OLD.sequence;
END;

-- Of a branch: the name and the incarnation of the conversation that was copied, the number of the
-- last turn that was, and how many were.
ALTER TABLE conversations ADD COLUMN branch_of TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN branch_source TEXT NOT NULL DEFAULT '';
ALTER TABLE conversations ADD COLUMN branch_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN branch_turns INTEGER NOT NULL DEFAULT 0;

-- Who follows the conversations of a tenant. Its own cursor is for work in the background.
CREATE TABLE followers (
  id        INTEGER PRIMARY KEY,
  life      INTEGER NOT NULL REFERENCES lives (id),
  store_key TEXT NOT NULL,
  used      INTEGER NOT NULL,           -- greater for those claimed later; 0 while its cursors are dropped
  mark      INTEGER NOT NULL DEFAULT 0, -- conversations with a greater id may have no row in cursors
  sequence  INTEGER NOT NULL DEFAULT 0, -- this and the next are those of its own cursor
  data      BLOB,
  holder    TEXT NOT NULL DEFAULT '',
  until     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX followers_key ON followers (life, store_key);

-- How far a follower is in a conversation.
CREATE TABLE cursors (
  id           INTEGER PRIMARY KEY,
  follower     INTEGER NOT NULL REFERENCES followers (id),
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  sequence     INTEGER NOT NULL DEFAULT 0,
  data         BLOB,
  behind       INTEGER NOT NULL,           -- whether a turn with a greater sequence has ended
  claimed      INTEGER NOT NULL DEFAULT 0, -- whether it ever was; otherwise nothing is to be forgotten
  holder       TEXT NOT NULL DEFAULT '',   -- who claimed it last
  until        INTEGER NOT NULL DEFAULT 0  -- when the claim ends or was given up
) STRICT;
CREATE UNIQUE INDEX cursors_conversation ON cursors (conversation, follower);
CREATE INDEX cursors_free ON cursors (follower, behind, until);
CREATE INDEX cursors_held ON cursors (follower, holder);

-- What a follower must forget. It outlives the conversation and the tenant. A row without a store key
-- says that cursors of a store key of the incarnation were dropped.
CREATE TABLE forgets (
  id           INTEGER PRIMARY KEY,
  tenant       TEXT NOT NULL,
  life         TEXT NOT NULL,           -- incarnation of the tenant
  store_key    TEXT NOT NULL,
  conversation TEXT NOT NULL,           -- name; '' if all of the tenant is to be forgotten
  incarnation  TEXT NOT NULL,           -- of the conversation
  user         TEXT NOT NULL,           -- whose turns were emptied; '' if the conversation was deleted
  sequence     INTEGER NOT NULL DEFAULT 0, -- of the cursor that it was
  data         BLOB,
  holder       TEXT NOT NULL DEFAULT '',
  until        INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX forgets_of ON forgets (tenant, life, store_key, conversation, incarnation, user);
CREATE INDEX forgets_free ON forgets (tenant, life, store_key, until);
CREATE INDEX forgets_held ON forgets (tenant, life, store_key, holder);

-- Conversations in the order in which they were made, for those without a row in cursors.
CREATE INDEX conversations_life ON conversations (life, id);

-- Plugins of earlier schema versions make conversations without an incarnation. An id may be that of
-- a deleted conversation again.
CREATE TRIGGER conversations_begun AFTER INSERT ON conversations BEGIN
  UPDATE conversations SET incarnation = lower(hex(randomblob(10))) WHERE id = NEW.id AND incarnation = '';
  UPDATE followers SET mark = NEW.id - 1 WHERE life = NEW.life AND mark >= NEW.id;
END;

CREATE TRIGGER turns_ended AFTER UPDATE OF state ON turns WHEN OLD.state = 'running' AND NEW.state <> 'running' BEGIN
  UPDATE cursors SET behind = 1 WHERE conversation = NEW.conversation AND behind = 0 AND sequence < NEW.sequence;
END;
CREATE TRIGGER turns_imported AFTER INSERT ON turns WHEN NEW.state <> 'running' BEGIN
  UPDATE cursors SET behind = 1 WHERE conversation = NEW.conversation AND behind = 0 AND sequence < NEW.sequence;
END;

-- What is deleted must be forgotten, whichever plugin deletes it.
CREATE TRIGGER turns_forgotten AFTER UPDATE OF user ON turns WHEN OLD.user <> '' AND NEW.user = '' BEGIN
  UPDATE conversations SET emptied = emptied + 1 WHERE id = NEW.conversation;
  INSERT INTO forgets (tenant, life, store_key, conversation, incarnation, user)
    SELECT l.tenant, l.incarnation, f.store_key, c.name, c.incarnation, OLD.user
      FROM cursors k JOIN followers f ON f.id = k.follower JOIN conversations c ON c.id = k.conversation JOIN lives l ON l.id = c.life
      WHERE k.conversation = NEW.conversation AND k.claimed = 1
    ON CONFLICT DO UPDATE SET holder = '', until = 0;
END;
CREATE TRIGGER conversations_forgotten AFTER UPDATE OF deleted_at ON conversations WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL BEGIN
  DELETE FROM forgets WHERE id IN (SELECT g.id
    FROM cursors k JOIN followers f ON f.id = k.follower JOIN lives l ON l.id = f.life
      JOIN forgets g ON g.tenant = l.tenant AND g.life = l.incarnation AND g.store_key = f.store_key AND g.conversation = NEW.name AND g.incarnation = NEW.incarnation
    WHERE k.conversation = NEW.id);
  INSERT INTO forgets (tenant, life, store_key, conversation, incarnation, user, sequence, data, holder, until)
    SELECT l.tenant, l.incarnation, f.store_key, NEW.name, NEW.incarnation, '', k.sequence, k.data, k.holder, k.until
      FROM cursors k JOIN followers f ON f.id = k.follower JOIN lives l ON l.id = f.life
      WHERE k.conversation = NEW.id AND k.claimed = 1;
  DELETE FROM cursors WHERE conversation = NEW.id;
END;
CREATE TRIGGER conversations_removed BEFORE DELETE ON conversations BEGIN
  DELETE FROM cursors WHERE conversation = OLD.id;
END;
CREATE TRIGGER lives_forgotten AFTER UPDATE OF deleted_at ON lives WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL BEGIN
  -- Held as long as the last of its cursors and of what was to be forgotten already.
  INSERT INTO forgets (tenant, life, store_key, conversation, incarnation, user, until, holder)
    SELECT NEW.tenant, NEW.incarnation, f.store_key, '', '', '', max(h.until), h.holder
      FROM followers f JOIN (
        SELECT k.follower, k.until, k.holder FROM followers o JOIN cursors k ON k.follower = o.id AND k.behind IN (0, 1) AND k.until > NEW.deleted_at WHERE o.life = NEW.id
        UNION ALL SELECT o.id, g.until, g.holder FROM followers o JOIN forgets g
          ON g.tenant = NEW.tenant AND g.life = NEW.incarnation AND g.store_key = o.store_key AND g.until > NEW.deleted_at WHERE o.life = NEW.id
        UNION ALL SELECT o.id, 0, '' FROM followers o WHERE o.life = NEW.id) h ON h.follower = f.id
      WHERE f.life = NEW.id GROUP BY f.id
    ON CONFLICT DO UPDATE SET until = excluded.until, holder = excluded.holder;
  DELETE FROM forgets WHERE tenant = NEW.tenant AND life = NEW.incarnation AND (conversation <> '' OR store_key = '' AND life <> '');
END;
CREATE TRIGGER lives_swept AFTER UPDATE OF swept ON lives WHEN NEW.swept = 1 BEGIN
  DELETE FROM followers WHERE life = NEW.id;
END;
CREATE TRIGGER lives_removed BEFORE DELETE ON lives BEGIN
  DELETE FROM followers WHERE life = OLD.id;
END;

DROP VIEW said;
-- What was said, for people.
CREATE VIEW said AS
SELECT l.tenant, c.name AS conversation, t.sequence, iif(t.retracted IS NULL, t.state, 'retracted') AS state, t.user,
       datetime(t.started_at / 1000000000, 'unixepoch') AS started,
       t.message ->> '$.parts[0].text' AS message,
       t.replies ->> '$[#-1].parts[0].text' AS reply, t.reason
FROM lives l
JOIN conversations c ON c.life = l.id AND c.deleted_at IS NULL
JOIN turns t ON t.conversation = c.id
WHERE l.deleted_at IS NULL;
