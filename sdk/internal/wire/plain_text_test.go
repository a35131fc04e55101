package wire

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/proto"
)

// encoded returns the message as the protobuf library encodes it.
func encoded(t testing.TB, m chat.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(Message(m))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEncodeMessage checks that EncodeMessage returns the same bytes as the protobuf library.
func TestEncodeMessage(t *testing.T) {
	all := append(messages(), chat.Message{}, chat.Message{Role: chat.User}, chat.Text("", "x"), chat.Text("later", "x"), chat.Text(chat.Tool, "é€"),
		chat.Text(chat.User, strings.Repeat("x", 126)), chat.Text(chat.User, strings.Repeat("x", 70000)),
		chat.Message{Role: chat.User, Parts: []chat.Part{{Text: "a"}}, Unknown: chat.Unknown{0xc0, 0x3e, 1}})
	for i, m := range all {
		got, err := EncodeMessage(m)
		if want := encoded(t, m); err != nil || !bytes.Equal(got, want) {
			t.Errorf("message %d: %.100q, %v; want %.100q", i, got, err, want)
		}
		back, err := DecodeMessage(got)
		var p chatv1.Message
		if wrong := proto.Unmarshal(got, &p); err != nil || wrong != nil || !reflect.DeepEqual(back, MessageFrom(&p)) {
			t.Errorf("message %d comes back as %.100v, %v", i, back, err)
		}
	}
	if _, err := EncodeMessage(chat.Text(chat.User, "\xff")); err == nil {
		t.Error("a text that is not UTF-8 is encoded")
	}
}

func TestDecodeMessages(t *testing.T) {
	in := messages()
	bodies := make([][]byte, len(in))
	for i, m := range in {
		bodies[i] = encoded(t, m)
	}
	out, err := DecodeMessages(len(bodies), func(i int) []byte { return bodies[i] })
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%v: sent %+v\ngot  %+v", err, in, out)
	}
	_ = append(out[0].Parts, chat.Part{Text: "grown"})
	if out[1].Text() != "" {
		t.Error("growing one message's parts changed another")
	}
	if out, err := DecodeMessages(0, nil); out != nil || err != nil {
		t.Error("no messages are no list")
	}
	bodies[3] = []byte("\xff")
	if _, err := DecodeMessages(len(bodies), func(i int) []byte { return bodies[i] }); err == nil {
		t.Error("bytes that are no message are decoded")
	}
}

// FuzzDecodeMessage checks that DecodeMessage decodes any bytes with the same result as the protobuf
// library.
func FuzzDecodeMessage(f *testing.F) {
	for _, m := range messages() {
		f.Add(encoded(f, m))
	}
	for _, b := range []string{
		"", "\x08", "\x08\x02", "\x08\x02\x12\x00", "\x08\x02\x12\x02\x0a\x00", "\x08\x82\x01\x12\x02\x0a\x00", "\x08\x7f\x12\x03\x0a\x01a",
		"\x08\x02\x12\x03\x0a\x01\xff", "\x08\x02\x12\x03\x0a\x02a", "\x08\x02\x12\x04\x0a\x01ab", "\x08\x02\x12\x03\x0a\x01a\x12\x00",
		"\x08\x02\x12\x83\x00\x0a\x01a", "\x08\x02\x12\x03\x0a\x01a\x08\x03", "\x08\x02\x12\x06\x0a\x01a\x0a\x01b", "\x12\x03\x0a\x01a\x08\x02", "\x08\x00\x12\x03\x0a\x01a",
	} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m chatv1.Message
		want := proto.Unmarshal(b, &m)
		got, err := DecodeMessage(b)
		if (err == nil) != (want == nil) {
			t.Fatalf("%q: error %v; want %v", b, err, want)
		}
		if err == nil && !reflect.DeepEqual(got, MessageFrom(&m)) {
			t.Errorf("%q: got %+v; want %+v", b, got, MessageFrom(&m))
		}
	})
}

func BenchmarkDecodeMessages(b *testing.B) {
	body := encoded(b, chat.Text(chat.User, "what is the weather like in Zurich today?"))
	for b.Loop() {
		if _, err := DecodeMessages(10, func(int) []byte { return body }); err != nil {
			b.Fatal(err)
		}
	}
}
