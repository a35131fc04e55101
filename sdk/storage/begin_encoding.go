package storage

import (
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/internal/wire"
	storagev1 "github.com/botyard/botyard/sdk/proto/botyard/storage/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Each turn begins with a tail, which is most of what a host and a storage exchange. This file
// encodes and decodes it without the protobuf library. The bytes are those of a BeginResponse. gRPC
// carries them as fields that the message does not know, which the protobuf library copies as they
// are. Whatever is unusual goes through the library. The numbers of the fields are those of the
// protocol.

const (
	varint = wire.Varint
	length = wire.Length
)

// encodeStarted returns a message with the encoded fields of a BeginResponse that has started. It
// leaves out the oldest turns of a tail that has more than the bytes. It returns false if a text is
// not UTF-8.
func encodeStarted(s *Started, bytes int) (*storagev1.BeginResponse, bool) {
	tail := newest(s.Tail, bytes)
	size := TailTurnBytes + len(s.Fence) + len(s.Incarnation) + 40*len(s.Retractions)
	for i := range tail {
		size += tail[i].TailSize()
	}
	w := wire.NewWriter(size)
	for i := len(s.Retractions) - 1; i >= 0; i-- {
		r, end := &s.Retractions[i], w.Len()
		w.Int(3, r.To)
		w.Int(2, r.From)
		w.Int(1, r.Sequence)
		w.Message(7, end)
	}
	w.Int(6, s.Cursor)
	w.Text(5, s.Incarnation)
	w.Bool(4, s.TailCut || len(tail) < len(s.Tail))
	for i := len(tail) - 1; i >= 0; i-- {
		end := w.Len()
		writeTailTurn(&w, &tail[i])
		w.Message(3, end)
	}
	w.Text(2, s.Fence)
	w.Int(1, s.Sequence)
	w.Message(1, 0) // BeginResponse.started
	encoded, ok := w.Encoded()
	resp := &storagev1.BeginResponse{}
	resp.ProtoReflect().SetUnknown(protoreflect.RawFields(encoded))
	return resp, ok
}

// writeTailTurn writes the fields that the turn of a tail has.
func writeTailTurn(w *wire.Writer, t *Turn) {
	writeTime(w, 9, t.EndedAt)
	writeTime(w, 8, t.StartedAt)
	for i := len(t.Messages) - 1; i >= 0; i-- {
		m, end := &t.Messages[i], w.Len()
		w.Text(2, m.Text)
		w.Bytes(1, m.Body)
		w.Message(6, end)
	}
	w.Text(5, t.User)
	w.Int(3, int64(storagev1.TurnState_TURN_STATE_SUCCEEDED))
	w.Int(2, t.Number)
	w.Int(1, t.Sequence)
}

// writeTime writes a timestamp, and nothing for the zero time.
func writeTime(w *wire.Writer, number protowire.Number, t time.Time) {
	if t.IsZero() {
		return
	}
	end := w.Len()
	w.Int(2, int64(t.Nanosecond()))
	w.Int(1, t.Unix())
	w.Message(number, end)
}

// decodeBegin returns the result of a Begin from the fields of a BeginResponse, of which resp knows
// none. The bodies of messages and all JSON texts are parts of the bytes in resp.
func decodeBegin(resp *emptypb.Empty) (*BeginResult, error) {
	encoded := resp.ProtoReflect().GetUnknown()
	if s, ok := decodeStarted(encoded); ok {
		return &BeginResult{Started: s}, nil
	}
	p := &storagev1.BeginResponse{}
	if err := proto.Unmarshal(encoded, p); err != nil {
		return nil, fault.New(fault.Internal, "the storage returned a result of Begin that is not of the protocol: %w", err).By(fault.PartyPlugin)
	}
	return beginFromProto(p)
}

// decodeStarted returns the Started in the fields of a BeginResponse. It returns false if there is
// anything else, or something invalid.
func decodeStarted(encoded []byte) (*Started, bool) {
	outer := wire.NewReader(encoded)
	if !outer.Next() || outer.Tag != 1<<3|length {
		return nil, false
	}
	started := outer.Bytes
	if outer.Next() || !outer.Valid() {
		return nil, false
	}
	s, turns := &Started{}, tailDecoder{}
	if n := countTurns(started); n > 0 {
		s.Tail, turns.messages = make([]Turn, 0, n), make([]Message, 0, 2*n)
	}
	r := wire.NewReader(started)
	for r.Next() {
		switch r.Tag {
		case 1<<3 | varint:
			s.Sequence = int64(r.Value)
		case 2<<3 | length:
			r.Text(&s.Fence)
		case 3<<3 | length:
			s.Tail = append(s.Tail, Turn{})
			r.Require(turns.decode(r.Bytes, &s.Tail[len(s.Tail)-1]))
		case 4<<3 | varint:
			s.TailCut = r.Value != 0
		case 5<<3 | length:
			r.Text(&s.Incarnation)
		case 6<<3 | varint:
			s.Cursor = int64(r.Value)
		case 7<<3 | length:
			retraction, ok := decodeRetraction(r.Bytes)
			s.Retractions = append(s.Retractions, retraction)
			r.Require(ok)
		}
	}
	return s, r.Valid()
}

// countTurns returns how many turns the tail of an encoded Started has.
func countTurns(started []byte) (n int) {
	for r := wire.NewReader(started); r.Next(); {
		if r.Tag == 3<<3|length {
			n++
		}
	}
	return n
}

func decodeRetraction(b []byte) (out Retraction, ok bool) {
	r := wire.NewReader(b)
	for r.Next() {
		switch r.Tag {
		case 1<<3 | varint:
			out.Sequence = int64(r.Value)
		case 2<<3 | varint:
			out.From = int64(r.Value)
		case 3<<3 | varint:
			out.To = int64(r.Value)
		}
	}
	return out, r.Valid()
}

// tailDecoder decodes the turns of a tail.
type tailDecoder struct {
	messages []Message // of all turns, in one allocation
	user     string    // of the turn before: mostly all turns have the same
}

func (d *tailDecoder) decode(b []byte, t *Turn) (ok bool) {
	first := len(d.messages)
	var started, ended timestamp
	r := wire.NewReader(b)
	for r.Next() {
		switch r.Tag {
		case 1<<3 | varint:
			t.Sequence = int64(r.Value)
		case 2<<3 | varint:
			t.Number = int64(r.Value)
		case 3<<3 | varint:
			t.State = State(int32(r.Value))
		case 4<<3 | length:
			r.Text(&t.Reason)
		case 5<<3 | length:
			r.Text(&d.user)
			t.User = d.user
		case 6<<3 | length:
			m, ok := decodeMessage(r.Bytes)
			d.messages = append(d.messages, m)
			r.Require(ok)
		case 7<<3 | length:
			t.Usage = r.Bytes
		case 8<<3 | length:
			r.Require(started.decode(r.Bytes))
		case 9<<3 | length:
			r.Require(ended.decode(r.Bytes))
		case 10<<3 | length:
			t.Metadata = r.Bytes
		case 11<<3 | length:
			t.Record = r.Bytes
		case 12<<3 | length:
			r.Text(&t.Key)
		case 13<<3 | varint:
			t.RetractFrom = int64(r.Value)
		case 14<<3 | varint:
			t.Retracted = r.Value != 0
		}
	}
	if end := len(d.messages); end > first {
		t.Messages = d.messages[first:end:end]
	}
	t.StartedAt, t.EndedAt = started.time(), ended.time()
	return r.Valid()
}

func decodeMessage(b []byte) (m Message, ok bool) {
	r := wire.NewReader(b)
	for r.Next() {
		switch r.Tag {
		case 1<<3 | length:
			m.Body = r.Bytes
		case 2<<3 | length:
			r.Text(&m.Text)
		}
	}
	return m, r.Valid()
}

// timestamp is a time in the protocol's form.
type timestamp struct {
	seconds int64
	nanos   int32
	set     bool
}

// decode sets the fields that b has.
func (t *timestamp) decode(b []byte) (ok bool) {
	t.set = true
	r := wire.NewReader(b)
	for r.Next() {
		switch r.Tag {
		case 1<<3 | varint:
			t.seconds = int64(r.Value)
		case 2<<3 | varint:
			t.nanos = int32(r.Value)
		}
	}
	return r.Valid()
}

// time returns the zero time for a timestamp that is not set.
func (t *timestamp) time() time.Time {
	if !t.set {
		return time.Time{}
	}
	return time.Unix(t.seconds, int64(t.nanos)).UTC()
}
