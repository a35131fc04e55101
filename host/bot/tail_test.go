package bot

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// TestDecodeTail checks how the host cuts the whole turns that a storage returns.
//
// beyond: tail
func TestDecodeTail(t *testing.T) {
	turn := func(n int64, messages ...chat.Message) storage.Turn {
		return storage.Turn{Sequence: n + 5, Number: n, User: "u", State: storage.Succeeded, Messages: storage.EncodeMessages(messages...)}
	}
	user, reply := chat.Text(chat.User, "u"), chat.Text(chat.Assistant, "a")
	large := chat.Text(chat.User, strings.Repeat("x", sdk.MaxTailBytes/2))
	for name, c := range map[string]struct {
		stored []storage.Turn
		needs  int
		want   string // the turns, by their numbers
		cut    bool
	}{
		"all":                             {[]storage.Turn{turn(1, user, reply), turn(2, user, reply)}, 4, "1: u a; 2: u a", false},
		"within a turn":                   {[]storage.Turn{turn(1, user, reply), turn(2, user, reply)}, 3, "1: a; 2: u a", false},
		"more turns than asked for":       {[]storage.Turn{turn(1, user, reply), turn(2, user, reply), turn(3, user, reply)}, 2, "3: u a", false},
		"nothing asked for":               {[]storage.Turn{turn(1, user, reply)}, 0, "", false},
		"a turn of many messages":         {[]storage.Turn{turn(1, user, callsTools("1"), toolResult("1"), callsTools("2"), toolResult("2"), reply)}, 3, "1: c(2) r(2) a", false},
		"a result whose call was cut":     {[]storage.Turn{turn(1, user, callsTools("1"), toolResult("1"), reply)}, 2, "1: a", false},
		"in another turn than the call":   {[]storage.Turn{turn(1, user, callsTools("1")), turn(2, toolResult("1"), reply)}, 3, "1: c(1); 2: r(1) a", false},
		"the call in a turn that was cut": {[]storage.Turn{turn(1, user, callsTools("1")), turn(2, toolResult("1"), reply)}, 2, "2: a", false},
		"an emptied turn":                 {[]storage.Turn{turn(1, user, reply), turn(2), turn(3, user, reply)}, 4, "1: u a; 2: ; 3: u a", false},
		"a turn that is too large":        {[]storage.Turn{turn(1, large, reply), turn(2, large, reply)}, 10, "1: a; 2: u a", true},
		"the newest is too large":         {[]storage.Turn{turn(1, user, reply), turn(2, large, large, reply)}, 10, "2: u a", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestBot(&logStorage{}, nil, func(p *Parts) { p.Memory = tailMemory(c.needs) })
			turn := newTurn(b, hi, nil)
			tail, err := turn.decodeTail(c.stored)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range tail {
				if s.Sequence != s.Number+5 || s.User != "u" {
					t.Errorf("%+v", s)
				}
				got = append(got, strings.TrimSpace(string(rune('0'+s.Number))+": "+outline(s.Messages)))
			}
			want := strings.ReplaceAll(c.want, ": ;", ":;")
			if strings.Join(got, "; ") != want || turn.record.OlderLeftOut != c.cut {
				t.Errorf("%s, cut %t; want %s", strings.Join(got, "; "), turn.record.OlderLeftOut, want)
			}
		})
	}
}
