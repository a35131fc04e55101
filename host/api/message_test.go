package api

import (
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// TestPager_endsByBytes checks that a page ends at sdk.MaxPageBytes even if the limit allows more
// messages, and that the pages together have each message once.
func TestPager_endsByBytes(t *testing.T) {
	const turns, each = 10, 3 << 20
	text := strings.Repeat("x", each)
	read := func(after int64, limit int) (*bot.TurnPage, error) {
		page := &bot.TurnPage{}
		for n := after + 1; n <= turns && len(page.Turns) < limit; n++ {
			page.Turns = append(page.Turns, bot.Turn{Sequence: n, Number: n, State: storage.Succeeded,
				Messages: []chat.Message{chat.Text(chat.User, text), chat.Text(chat.Assistant, text)}})
		}
		page.More = after+int64(len(page.Turns)) < turns
		return page, nil
	}
	var ids []string
	for after := ""; ; {
		c, err := parseCursor(after)
		if err != nil {
			t.Fatal(err)
		}
		messages, more, err := (&pager{after: c, limit: 1000, read: read}).page()
		if err != nil || len(messages) == 0 || (len(messages)-1)*each >= sdk.MaxPageBytes {
			t.Fatalf("a page of %d, %v", len(messages), err)
		}
		for _, m := range messages {
			after = m.ID
			ids = append(ids, m.ID)
		}
		if !more {
			break
		}
	}
	if len(ids) != 2*turns || ids[0] != "1.0" || ids[2*turns-1] != "10.1" {
		t.Errorf("the messages are %q", ids)
	}
}
