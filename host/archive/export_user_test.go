package archive

import (
	"fmt"
	"strings"
	"testing"
)

// TestExport_userIsWhatEraseDeletes checks that the export of a user has exactly the turns that
// an erasure of the user deletes or empties: the whole conversations that only the user wrote
// in, and the user's turns in other conversations.
func TestExport_userIsWhatEraseDeletes(t *testing.T) {
	s := newTestHost(t, newTestStorages(), newTenantStore())
	s.register("a", "one", "")
	incarnation := s.incarnation("a")
	for _, said := range []struct{ conversation, user string }{
		{"alone", "u"}, {"alone", ""}, {"began", "u"}, {"began", "v"}, {"began", ""}, {"began", "u"},
		{"guest", "v"}, {"guest", "u"}, {"backend", ""}, {"backend", "u"}, {"other", "v"},
	} {
		s.say("one", "a", incarnation, said.conversation, said.user, fmt.Sprintf("of %q in %s", said.user, said.conversation))
	}
	whole := s.export("a", "")
	part := s.export("a", "u")
	for text, want := range map[string]int{
		`of \"u\" in alone`: 2, `of \"\" in alone`: 2, `of \"u\" in began`: 4, `of \"u\" in guest`: 2, `of \"u\" in backend`: 2,
		`of \"v\"`: 0, `of \"\" in began`: 0, `of \"\" in backend`: 0, `"v"`: 0, `"partial":true`: 3,
		`{"type":"end","conversations":4,"turns":6}`: 1,
	} {
		if got := strings.Count(part, text); got != want { // the reply of a turn repeats the text of the turn
			t.Errorf("the user's export has %s %d times; want %d:\n%s", text, got, want, part)
		}
	}
	s.register("b", "one", "")
	if done, err := s.imports("b", part); err != nil || done.Conversations != 1 || done.Turns != 2 || done.LeftOut != 3 {
		t.Errorf("an import of a user's export: %+v, %v; want what is whole", done, err)
	}

	var told Count
	erased, err := s.Erase(t.Context(), "a", "u", DeletionOptions{Progress: func(c Count) { told = c }})
	if err != nil || erased.Conversations != 1 || erased.Turns != 2 || erased.Emptied != 4 || erased.Storages[0].Emptied != 4 || told.Emptied != 4 {
		t.Errorf("%+v, %v, told of %+v", erased, err, told)
	}
	left := s.export("a", "")
	if strings.Contains(left, `\"u\"`) || strings.Contains(left, `"u"`) || !strings.Contains(left, `{"type":"end","conversations":4,"turns":9}`) {
		t.Error(left)
	}
	if n := strings.Count(left, `"messages":[]`); n != 4 || strings.Contains(left, "null") {
		t.Errorf("%d turns with an empty list of messages; want the 4 that were emptied:\n%s", n, left)
	}
	for _, text := range []string{`of \"v\" in began`, `of \"\" in began`, `of \"v\" in guest`, `of \"\" in backend`, `of \"v\" in other`} {
		if strings.Count(left, text) != strings.Count(whole, text) {
			t.Errorf("others lost %s:\n%s", text, left)
		}
	}
	if again := s.export("a", "u"); !strings.Contains(again, `{"type":"end","conversations":0,"turns":0}`) {
		t.Error(again)
	}
	if erased, err := s.Erase(t.Context(), "a", "u", DeletionOptions{}); err != nil || erased.Emptied != 0 || erased.Turns != 0 {
		t.Errorf("again: %+v, %v", erased, err)
	}
	// The export after the erasure can be imported for another tenant. The import changes
	// nothing in the conversations: the emptied turns stay empty, and the owners stay.
	s.register("c", "one", "")
	if done, err := s.imports("c", left); err != nil || done.Conversations != 4 || done.Turns != 9 {
		t.Fatalf("%+v, %v", done, err)
	}
	if copied := s.export("c", ""); body(copied) != body(left) {
		t.Errorf("has\n%s\nwant\n%s", copied, left)
	}
}

// body returns the part of an export that begins with its first conversation.
func body(export string) string {
	return export[strings.Index(export, `{"type":"conversation"`):]
}
