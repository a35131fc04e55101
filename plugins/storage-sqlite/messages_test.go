package sqlitestore

import (
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStoreFirst_severalMessages checks that all messages of a Begin come back, and that people and
// older plugins find one message with all texts in the column.
func TestStoreFirst_severalMessages(t *testing.T) {
	s := openStore(t, t.TempDir())
	several := storage.EncodeMessages(chat.Text(chat.System, "Be kind."), chat.Message{Role: chat.User}, chat.Text(chat.User, "What is \"this\"?"))
	end(t, s, begin(t, s, func(r *storage.BeginRequest) { r.Messages = several }))
	res := begin(t, s, func(r *storage.BeginRequest) { r.Tail = 1 })
	var got []string
	for _, m := range messagesOf(res.Started.Tail) {
		got = append(got, textOf(m))
	}
	if want := []string{"Be kind.", "", "What is \"this\"?", "hello"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the tail has %q; want %q", got, want)
	}
	var column string
	if _, err := rawSession(t, s.path).get([]any{&column}, "SELECT message FROM turns WHERE sequence = 1"); err != nil {
		t.Fatal(err)
	}
	old, err := storage.AppendLegacy(nil, []byte(column))
	if err != nil || len(old) != 1 || textOf(old[0]) != "Be kind.\n\nWhat is \"this\"?" {
		t.Errorf("the column has %s, %v", column, err)
	}
}

func TestJoinTexts_bound(t *testing.T) {
	long := storage.Message{Text: strings.Repeat("\u00fc", sdk.MaxTextBytes/4-1)}
	joined := joinTexts([]storage.Message{long, long, long})
	if n := len(joined); n > sdk.MaxTextBytes+8 || n < sdk.MaxTextBytes-8 || strings.ContainsRune(joined, '\ufffd') {
		t.Errorf("%d bytes; want about %d, and whole characters", n, sdk.MaxTextBytes)
	}
}
