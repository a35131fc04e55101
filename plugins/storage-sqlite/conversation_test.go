package sqlitestore

import (
	"testing"

	"github.com/botyard/botyard/sdk/storage"
)

// TestBegin_incarnation checks that a conversation has one incarnation, which no later conversation
// of the name has, even if SQLite gives its row the same id.
func TestBegin_incarnation(t *testing.T) {
	s := openStore(t, t.TempDir())
	seen := map[string]bool{}
	for range 3 {
		res := begin(t, s)
		first := res.Started.Incarnation
		end(t, s, res)
		next := begin(t, s)
		if next.Started.Incarnation != first || first == "" || seen[first] {
			t.Errorf("incarnations %q and %q, after %v", first, next.Started.Incarnation, seen)
		}
		seen[first] = true
		page, err := s.List(t.Context(), &storage.ListRequest{Call: call, Limit: 10})
		if err != nil || len(page.Conversations) != 1 || page.Conversations[0].Incarnation != first {
			t.Errorf("listed: %+v, %v; want the incarnation %q", page, err, first)
		}
		if _, err := s.Delete(t.Context(), storage.Scope{Call: call}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMigrate_incarnation checks that conversations of older plugins have an incarnation, whether
// they wrote them before or after the migration.
func TestMigrate_incarnation(t *testing.T) {
	dir := t.TempDir()
	writeSchema2(t, dir)
	s := openStore(t, dir)
	raw := rawSession(t, s.path)
	if _, err := raw.exec(`INSERT INTO conversations (life, name, user, created_at, updated_at, updated_day, sequence, turns)
		VALUES (1, 'later', 'ann', 1, 1, 0, 0, 0)`); err != nil {
		t.Fatal(err)
	}
	c := ofSchema2
	c.Conversation = ""
	page, err := s.List(t.Context(), &storage.ListRequest{Call: c, Limit: 10})
	if err != nil || len(page.Conversations) < 2 {
		t.Fatalf("listed %+v, %v", page, err)
	}
	seen := map[string]bool{"": true}
	for _, c := range page.Conversations {
		if seen[c.Incarnation] {
			t.Errorf("the conversation %q has the incarnation %q", c.ID, c.Incarnation)
		}
		seen[c.Incarnation] = true
	}
}
