package wire

import (
	"bytes"
	"strings"
	"testing"

	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// TestWriter checks that a Writer encodes fields as the protobuf library does, however little room
// it has.
func TestWriter(t *testing.T) {
	for _, text := range []string{"", "é", strings.Repeat("x", 126), strings.Repeat("x", 70000)} {
		for _, n := range []int32{0, 1, -1, 300} {
			want, err := proto.MarshalOptions{Deterministic: true}.Marshal(&chatv1.Message{Role: chatv1.Role(n), Parts: []*chatv1.Part{
				{Part: &chatv1.Part_Other{Other: &chatv1.Other{Type: text, Data: []byte(text)}}}, {Citations: []*chatv1.Citation{{Start: n}, {}}},
				{Part: &chatv1.Part_ToolResult{ToolResult: &chatv1.ToolResult{IsError: n > 0}}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			for _, room := range []int{0, 1, 100, 1 << 20} {
				w := NewWriter(room)
				part := func(number protowire.Number, write func()) {
					w.inside(2, func() { w.inside(number, write) })
				}
				part(5, func() { w.Bool(4, n > 0) })
				w.inside(2, func() {
					w.inside(14, func() {})
					w.inside(14, func() { w.Int(1, int64(n)) })
				})
				part(7, func() { w.Bytes(2, []byte(text)); w.Text(1, text) })
				w.Int(1, int64(n))
				if got, ok := w.Encoded(); !ok || !bytes.Equal(got, want) || w.Len() != len(want) {
					t.Errorf("%d in %d bytes: %.100q, %t; want %.100q", n, room, got, ok, want)
				}
			}
		}
	}
	w := NewWriter(10)
	w.Text(2, "a\xff")
	w.Text(1, "a")
	if _, ok := w.Encoded(); ok {
		t.Error("a text that is not UTF-8 is encoded")
	}
}

// inside makes a message of what write writes.
func (w *Writer) inside(number protowire.Number, write func()) {
	end := w.Len()
	write()
	w.Message(number, end)
}

// TestReader checks which fields are read, and that bytes are invalid where the protobuf library
// refuses them.
func TestReader(t *testing.T) {
	for _, c := range []struct {
		name, message string
		fields        int
		valid         bool
	}{
		{"nothing", "", 0, true},
		{"a text", "\x0a\x01a", 1, true},
		{"a text that is not UTF-8", "\x0a\x01\xff\x08\x01", 1, false},
		{"a text that is cut", "\x08\x01\x0a\x02a", 1, false},
		{"a number", "\x08\x96\x01", 1, true},
		{"a number that is cut", "\x08\x96", 0, false},
		{"a number that is too large", "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 0, false},
		{"fixed sizes", "\x0d1234\x0912345678", 2, true},
		{"a fixed size that is cut", "\x0d123", 0, false},
		{"a group", "\x13\x0a\x01a\x14", 1, true},
		{"a group without an end", "\x13\x0a\x01a", 0, false},
		{"an end without a group", "\x14", 0, false},
		{"an unknown kind", "\x0e", 0, false},
		{"the field 0", "\x00\x01", 0, false},
		{"the last field", "\xf8\xff\xff\xff\x0f\x01", 1, true},
		{"a field beyond the last one", "\x80\x80\x80\x80\x10\x01", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, n, text := NewReader([]byte(c.message)), 0, ""
			for r.Next() {
				if n++; r.Tag == 1<<3|Length {
					r.Text(&text)
				}
			}
			if n != c.fields || r.Valid() != c.valid {
				t.Errorf("%d fields, valid %t; want %d, %t", n, r.Valid(), c.fields, c.valid)
			}
			if err := proto.Unmarshal([]byte(c.message), &chatv1.ProviderState{}); (err == nil) != c.valid {
				t.Errorf("the library says %v", err)
			}
		})
	}
}
