package archive

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

func turnOf(messages ...chat.Message) *storage.Turn {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return &storage.Turn{Sequence: 1, Number: 1, State: storage.Succeeded, StartedAt: at, EndedAt: at, Messages: storage.EncodeMessages(messages...)}
}

// exported writes the turn as a line of an export, and decodes the line as an import does.
func exported(t *testing.T, turn *storage.Turn) (*storage.Turn, error) {
	t.Helper()
	var out bytes.Buffer
	if err := writeTurn(&out, turn); err != nil {
		t.Fatal(err)
	}
	if out.Len() > MaxLine {
		t.Errorf("a line of %d bytes", out.Len())
	}
	line, err := decodeLine(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
	if err != nil {
		t.Fatal(err)
	}
	l := line.(*turnLine)
	back := l.turn()
	return &back, l.validate(&history{}, time.Now())
}

// TestWriteTurn_largest checks that an import gets back the whole of the largest turn that a
// host writes, even if its JSON is several times as long as the turn. It also checks that a
// turn of an earlier host that is too large for an import is truncated.
func TestWriteTurn_largest(t *testing.T) {
	largest := turnOf(chat.Text(chat.User, strings.Repeat("\u0001", sdk.MaxUserMessageBytes)),
		chat.Message{Role: chat.Assistant, Parts: []chat.Part{{Reasoning: &chat.Reasoning{Text: "r"}, State: &chat.ProviderState{Data: make([]byte, sdk.MaxProviderStateBytes)}},
			{Text: strings.Repeat("\u2028", sdk.MaxReplyBytes/3)}}})
	largest.Metadata = json.RawMessage(`{"a":"` + strings.Repeat("x", sdk.MaxMetadataBytes-8) + `"}`)
	largest.Record = json.RawMessage(`{"a":"` + strings.Repeat("x", sdk.MaxRecordBytes-8) + `"}`)
	largest.Reason = strings.Repeat("\u0001", sdk.MaxReasonBytes)
	if n := largest.Size(); n > sdk.MaxTurnBytes {
		t.Errorf("the largest turn has %d bytes; want at most %d", n, sdk.MaxTurnBytes)
	}
	if back, err := exported(t, largest); err != nil || !reflect.DeepEqual(back, largest) {
		t.Errorf("the largest turn came back otherwise: %v", err)
	}
	earlier := turnOf(chat.Text(chat.User, strings.Repeat("x", 60<<20)), chat.Text(chat.Assistant, "y"))
	if back, err := exported(t, earlier); err != nil || !reflect.DeepEqual(back, earlier) {
		t.Errorf("an earlier turn that can be taken came back otherwise: %v", err)
	}
	for name, turn := range map[string]*storage.Turn{
		"of many escapes":  turnOf(chat.Text(chat.User, strings.Repeat("\u0001", 40<<20)), chat.Text(chat.Assistant, "short")),
		"of two requests":  turnOf(chat.Text(chat.User, strings.Repeat("€", 20<<20)), chat.Text(chat.Assistant, strings.Repeat("x", 60<<20))),
		"of many messages": turnOf(append([]chat.Message{chat.Text(chat.User, strings.Repeat("x", 65<<20))}, slices.Repeat([]chat.Message{{Role: chat.Assistant}}, 5000)...)...),
	} {
		t.Run(name, func(t *testing.T) {
			back, err := exported(t, turn)
			messages, wrong := storage.DecodeMessages(back.Messages)
			if err != nil || wrong != nil || !strings.Contains(messages[0].Text(), "[cut: the message has ") || messages[1].Role != chat.Assistant || back.Number != 1 {
				t.Errorf("a turn %s: %v, %v, with %.60q", name, err, wrong, back.Messages[0].Text)
			}
		})
	}
}
