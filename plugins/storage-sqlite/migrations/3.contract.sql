-- Only plugins of schema version 2 empty a turn without its bodies.
DROP TRIGGER turns_emptied;
