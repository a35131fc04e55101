package storage

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// stored returns messages as a storage returns them, without their texts.
func stored(texts ...string) []Message {
	var out []Message
	for _, text := range texts {
		out = append(out, Message{Body: EncodeMessage(chat.Text(chat.User, text)).Body})
	}
	return out
}

// usualStarted is the result of a Begin after ten turns of two messages each.
func usualStarted() *Started {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
	s := &Started{Sequence: 11, Fence: "0123456789abcdef.11", Incarnation: "0123456789abcdef", Cursor: 9}
	for i := range int64(10) {
		s.Tail = append(s.Tail, Turn{Sequence: i + 1, Number: i + 1, State: Succeeded, User: "ada", StartedAt: at, EndedAt: at.Add(time.Second),
			Messages: stored("what is the weather like in Zurich today?", "it rains, and it will not stop before Thursday")})
	}
	return s
}

// begun are results of Begin.
func begun() []*Started {
	at := time.Date(2026, 5, 4, 3, 2, 1, 987654321, time.UTC)
	return []*Started{
		{}, {Fence: "f"}, usualStarted(),
		{Sequence: 9, Fence: "f", Incarnation: "i", Cursor: 3, TailCut: true,
			Tail: []Turn{
				{Sequence: 1, Number: 1, State: Succeeded, User: "a", StartedAt: at, EndedAt: at.Add(time.Second), Messages: stored("1", "2")},
				{Sequence: 2, Number: 2, State: Succeeded},
				{Sequence: 4, Number: 3, State: Succeeded, User: "b", StartedAt: time.Unix(-1, 5).UTC(), EndedAt: time.Unix(0, 0).UTC(), Messages: stored("3", "4", "5")},
				{Sequence: 5, Number: 4, State: Succeeded, User: "b", Messages: []Message{{}, {Body: []byte{0xff}, Text: strings.Repeat("é", 1000)}}},
			},
			Retractions: []Retraction{{Sequence: 8, From: 4, To: 6}, {}, {Sequence: -1, From: 1 << 62, To: -1 << 63}}},
		{Sequence: -1, Tail: []Turn{{Sequence: 1, State: Succeeded, Messages: stored(strings.Repeat("x", 70000))}}},
	}
}

// received returns what the host's gRPC makes of the encoded message.
func received(t testing.TB, encoded []byte) *emptypb.Empty {
	t.Helper()
	out := &emptypb.Empty{}
	if err := proto.Unmarshal(encoded, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sent returns what the plugin's gRPC makes of the message.
func sent(t testing.TB, m proto.Message) []byte {
	t.Helper()
	out, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEncodeStarted_roundTrip checks that the host gets what the storage returned.
func TestEncodeStarted_roundTrip(t *testing.T) {
	for i, in := range begun() {
		resp, ok := encodeStarted(in, 1<<30)
		if !ok {
			t.Fatalf("%d is not encoded", i)
		}
		s, ok := decodeStarted(sent(t, resp))
		if !ok || !reflect.DeepEqual(s, in) {
			t.Errorf("%d: got  %+v\nwant %+v", i, s, in)
		}
		// Adding to something of one turn must not overwrite the next turn.
		for j := range s.Tail {
			turn := &s.Tail[j]
			_ = append(turn.Messages, Message{Text: "grown"})
			for k := range turn.Messages {
				_ = append(turn.Messages[k].Body, "grown"...)
			}
		}
		if !reflect.DeepEqual(s, in) {
			t.Errorf("%d: growing a turn changed another one: %+v", i, s)
		}
	}
}

// TestEncodeStarted_bytes checks that the oldest turns are left out of a tail that is too large.
func TestEncodeStarted_bytes(t *testing.T) {
	in := usualStarted()
	resp, _ := encodeStarted(in, 3*in.Tail[0].TailSize()+1)
	got, err := decodeBegin(received(t, sent(t, resp)))
	if err != nil || !reflect.DeepEqual(got.Started.Tail, in.Tail[7:]) || !got.Started.TailCut {
		t.Errorf("%+v, %v", got.Started, err)
	}
}

// TestEncodeStarted_invalidText checks that the protobuf library gets a text that is not UTF-8, for
// which package sdk has a codec that cleans it.
func TestEncodeStarted_invalidText(t *testing.T) {
	const bad = "a\xff"
	for _, s := range []*Started{
		{Fence: bad}, {Incarnation: bad}, {Tail: []Turn{{User: bad}, {}}}, {Tail: []Turn{{Messages: []Message{{Text: bad}, {}}}}},
	} {
		if _, ok := encodeStarted(s, 1<<30); ok {
			t.Errorf("%+v is encoded", s)
		}
	}
	if _, ok := encodeStarted(&Started{Tail: []Turn{{Messages: []Message{{Body: []byte(bad)}}}}}, 1<<30); !ok {
		t.Error("a body need not be UTF-8")
	}
}

// FuzzDecodeBegin checks that all bytes are decoded as the protobuf library decodes them, and that a
// result is encoded as the library encodes it.
func FuzzDecodeBegin(f *testing.F) {
	add := func(b []byte) {
		f.Add(b)
		f.Add(append(b, b...))
		f.Add(b[:len(b)/2])
		f.Add(append(b, 0x98, 0x06, 1)) // a field of a later version
	}
	for _, s := range begun()[:4] { // the last one is too large to be varied
		add(sent(f, &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: startedToProto(s, 1<<30)}}))
	}
	all := Turn{Sequence: 1, Number: 2, State: Failed, Reason: "r", User: "u", Messages: stored("m"), Usage: []byte("{}"), StartedAt: time.Unix(1, 2),
		EndedAt: time.Unix(3, 4), Metadata: []byte("1"), Record: []byte("2"), Key: "k", RetractFrom: 5, Retracted: true}
	add(sent(f, &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: &storagev1.Started{Tail: []*storagev1.Turn{turnToProto(all), turnToProto(Turn{User: "u"})}}}}))
	for _, r := range []*BeginResult{{Replay: &all}, {Busy: &Busy{SameKey: true}}, {KeyReused: true}} {
		p, err := beginToProto(r, 1<<30)
		if err != nil {
			f.Fatal(err)
		}
		add(sent(f, p))
	}
	for _, started := range []string{
		"\x12\x01\xff", "\x2a\x01\xff", "\x1a\x03\x2a\x01\xff", "\x1a\x03\x22\x01\xff", "\x1a\x03\x62\x01\xff", "\x1a\x05\x32\x03\x12\x01\xff", // texts that are not UTF-8
		"\x1a\x06\x42\x02\x08\x01\x42\x00", "\x1a\x08\x42\x02\x08\x01\x42\x02\x10\x02", // a timestamp in two parts
		"\x1a\x08\x2a\x01a\x1a\x03\x2a\x01b", "\x1a\x06\x3a\x01a\x3a\x00", "\x12\x01a\x12\x00", "\x18\x01", "\x0a\x01a", "\x0b\x0c", "\x0b", "\x0c", "\x0d\x00\x00\x00\x00",
		"\x1a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x80\x80\x80\x80\x10\x01", "\x00\x01", "\x20\x02", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "\x3a\x01\x08",
	} {
		f.Add(append([]byte{0x0a, byte(len(started))}, started...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, raw := &storagev1.BeginResponse{}, &emptypb.Empty{}
		want, wrong := (*BeginResult)(nil), proto.Unmarshal(b, p)
		if wrong == nil {
			want, wrong = beginFromProto(p)
		}
		got, err := (*BeginResult)(nil), proto.Unmarshal(b, raw)
		if err == nil {
			got, err = decodeBegin(raw)
		}
		if (err == nil) != (wrong == nil) || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %+v, %v; want %+v, %v", b, got, err, want, wrong)
		}
		if wrong != nil || want.Started == nil {
			return
		}
		resp, ok := encodeStarted(want.Started, 1000)
		if !ok {
			t.Fatalf("%q: not encoded", b)
		}
		lib, _ := beginToProto(want, 1000)
		back, encoded := &storagev1.BeginResponse{}, sent(t, resp)
		if err := proto.Unmarshal(encoded, back); err != nil || !proto.Equal(back, lib) || len(encoded) != proto.Size(lib) {
			t.Errorf("%q: encoded as %q, %v; want %v", b, encoded, err, lib)
		}
	})
}

func BenchmarkEncodeStarted(b *testing.B) {
	s := usualStarted()
	for name, encode := range map[string]func() *storagev1.BeginResponse{
		"wire":    func() *storagev1.BeginResponse { m, _ := encodeStarted(s, 1<<30); return m },
		"library": func() *storagev1.BeginResponse { m, _ := beginToProto(&BeginResult{Started: s}, 1<<30); return m },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sent(b, encode())
			}
		})
	}
}

func BenchmarkDecodeBegin(b *testing.B) {
	encoded := sent(b, &storagev1.BeginResponse{Outcome: &storagev1.BeginResponse_Started{Started: startedToProto(usualStarted(), 1<<30)}})
	for name, decode := range map[string]func() (*BeginResult, error){
		"wire": func() (*BeginResult, error) { return decodeBegin(received(b, encoded)) },
		"library": func() (*BeginResult, error) {
			p := &storagev1.BeginResponse{}
			if err := proto.Unmarshal(encoded, p); err != nil {
				return nil, err
			}
			return beginFromProto(p)
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
