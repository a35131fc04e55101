-- The columns message and body of a turn have all messages with which the turn began: message has one
-- message with all their texts.

-- A text that no other conversation of the tenant has or had, whatever its name is.
ALTER TABLE conversations ADD COLUMN incarnation TEXT NOT NULL DEFAULT '';
UPDATE conversations SET incarnation = lower(hex(randomblob(10)));

-- A plugin of schema version 3 makes conversations without it.
CREATE TRIGGER conversations_incarnation AFTER INSERT ON conversations WHEN NEW.incarnation = '' BEGIN
  UPDATE conversations SET incarnation = lower(hex(randomblob(10))) WHERE id = NEW.id;
END;
