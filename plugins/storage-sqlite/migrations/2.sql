-- Who wrote in a conversation beside the user whose it is. Plugins of layout 1 write turns
-- too, and so a trigger sees to it.
CREATE TABLE writers (
  life         INTEGER NOT NULL,
  user         TEXT NOT NULL,
  name         TEXT NOT NULL,           -- of the conversation
  conversation INTEGER NOT NULL REFERENCES conversations (id),
  PRIMARY KEY (life, user, name, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX writers_conversation ON writers (conversation);

CREATE TRIGGER turns_writers AFTER INSERT ON turns WHEN NEW.user <> '' BEGIN
  INSERT OR IGNORE INTO writers (life, user, name, conversation)
    SELECT c.life, NEW.user, c.name, c.id FROM conversations c WHERE c.id = NEW.conversation AND c.user <> NEW.user;
END;
CREATE TRIGGER conversations_writers BEFORE DELETE ON conversations BEGIN
  DELETE FROM writers WHERE conversation = OLD.id;
END;

INSERT OR IGNORE INTO writers (life, user, name, conversation)
  SELECT c.life, t.user, c.name, c.id FROM turns t JOIN conversations c ON c.id = t.conversation
  WHERE t.user <> '' AND t.user <> c.user;
