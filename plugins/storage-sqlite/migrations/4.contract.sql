-- Only plugins of schema version 3 make conversations without an incarnation.
DROP TRIGGER conversations_incarnation;
