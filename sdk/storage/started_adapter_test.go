package storage

import (
	"reflect"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
)

// TestStarted_roundTrip checks that the tail of a Begin comes to the host as the storage returned it,
// although all its turns and messages are made together.
func TestStarted_roundTrip(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
	messages := func(texts ...string) []Message {
		var all []chat.Message
		for _, text := range texts {
			all = append(all, chat.Text(chat.User, text))
		}
		out := EncodeMessages(all...)
		for i := range out {
			out[i].Text = ""
		}
		return out
	}
	in := &Started{Sequence: 9, Fence: "f", Incarnation: "i", Cursor: 3, TailCut: true,
		Tail: []Turn{
			{Sequence: 1, Number: 1, State: Succeeded, User: "a", StartedAt: at, EndedAt: at.Add(time.Second), Messages: messages("1", "2")},
			{Sequence: 2, Number: 2, State: Succeeded},
			{Sequence: 4, Number: 3, State: Succeeded, User: "b", StartedAt: time.Unix(-1, 5).UTC(), Messages: messages("3", "4", "5")},
		},
		Retractions: []Retraction{{Sequence: 8, From: 4, To: 6}},
	}
	p := startedToProto(in, in.Tail[0].TailSize()+in.Tail[1].TailSize()+in.Tail[2].TailSize())
	if got := startedFromProto(p); !reflect.DeepEqual(got, in) {
		t.Errorf("got  %+v\nwant %+v", got, in)
	}
	// Adding to the messages of one turn must not overwrite those of the next turn.
	_ = append(p.Tail[0].Messages, p.Tail[2].Messages[1])
	if got := startedFromProto(p); !reflect.DeepEqual(got, in) {
		t.Errorf("growing the messages of one turn changed another: %+v", got)
	}
	if got := startedToProto(&Started{Fence: "f"}, 1); got.Tail != nil {
		t.Errorf("no tail is sent as %v", got.Tail)
	}
}
