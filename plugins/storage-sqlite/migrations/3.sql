-- The messages as the host encoded them: the body of each message after its length as a varint.
-- The columns message and replies have only the texts from now on, for people and for plugins
-- of schema version 2. In turns of these plugins they have the whole messages, and body and
-- reply_bodies are NULL.
ALTER TABLE turns ADD COLUMN body BLOB;         -- of the first message
ALTER TABLE turns ADD COLUMN reply_bodies BLOB; -- of the others
ALTER TABLE turns ADD COLUMN usage TEXT;        -- JSON; NULL in turns that have it in columns

-- A plugin of schema version 2 empties a turn without these columns.
CREATE TRIGGER turns_emptied AFTER UPDATE OF message ON turns WHEN NEW.message IS NULL AND NEW.body IS NOT NULL BEGIN
  UPDATE turns SET body = NULL, reply_bodies = NULL, usage = NULL WHERE id = NEW.id;
END;
