package wire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Messages that every turn carries in large numbers are encoded and decoded without the protobuf
// library, which makes an object of each message and copies each field. This file has the fields
// that such messages are made of.

// Tags of fields: the number of the field times 8, plus one of these.
const (
	Varint = uint64(protowire.VarintType) // integers, enums and bools
	Length = uint64(protowire.BytesType)  // bytes, texts and messages
)

// Reader reads the fields of an encoded message, in the order in which they stand there.
//
//	r := NewReader(b)
//	for r.Next() {
//		if r.Tag == 1<<3|Varint {
//			sequence = int64(r.Value)
//		}
//	}
//	return r.Valid()
type Reader struct {
	Tag   uint64 // of the field
	Value uint64 // of a Varint
	Bytes []byte // of a Length: a part of the message, with nothing to append to; nil if it is empty

	left    []byte
	invalid bool
}

// NewReader returns a Reader of the message.
func NewReader(b []byte) Reader { return Reader{left: b} }

// Next reads the next field. It returns false at the end of the message, and as soon as something in
// the message is invalid.
func (r *Reader) Next() bool {
	if r.invalid || len(r.left) == 0 {
		return false
	}
	number, kind, n := protowire.ConsumeTag(r.left)
	if n < 0 || number > protowire.MaxValidNumber {
		r.invalid = true
		return false
	}
	b := r.left[n:]
	switch r.Tag = protowire.EncodeTag(number, kind); kind {
	case protowire.VarintType:
		r.Value, n = protowire.ConsumeVarint(b)
	case protowire.BytesType:
		if r.Bytes, n = protowire.ConsumeBytes(b); len(r.Bytes) == 0 {
			r.Bytes = nil
		}
		r.Bytes = r.Bytes[:len(r.Bytes):len(r.Bytes)]
	default:
		n = protowire.ConsumeFieldValue(number, kind, b)
	}
	if n < 0 {
		r.invalid = true
		return false
	}
	r.left = b[n:]
	return true
}

// Text sets the text to that of the field. It keeps a text that is the same already. The message is
// invalid if the text is not UTF-8.
func (r *Reader) Text(to *string) {
	if string(r.Bytes) != *to {
		*to = string(r.Bytes)
		r.Require(utf8.ValidString(*to))
	}
}

// Require makes the message invalid if ok is false.
func (r *Reader) Require(ok bool) { r.invalid = r.invalid || !ok }

// Valid reports whether all that was read is valid. The protobuf library refuses what is not valid.
func (r *Reader) Valid() bool { return !r.invalid }

// Writer encodes a message from its last field to its first one, so that the length of a message
// within the message is known when it is written. Fields are written in the falling order of their
// numbers. Fields with the zero value are left out.
type Writer struct {
	b       []byte
	at      int // the index of the first byte in b that was written
	invalid bool
}

// NewWriter returns a Writer with room for so many bytes. The room grows when it is needed.
func NewWriter(size int) Writer { return Writer{b: make([]byte, size), at: size} }

// Encoded returns the message. It returns false if a text in the message is not UTF-8.
func (w *Writer) Encoded() ([]byte, bool) { return w.b[w.at:], !w.invalid }

// Len returns how many bytes were written.
func (w *Writer) Len() int { return len(w.b) - w.at }

// Int writes an integer, or an enum.
func (w *Writer) Int(number protowire.Number, v int64) {
	if v != 0 {
		w.varint(uint64(v))
		w.tag(number, Varint)
	}
}

// Bool writes a bool.
func (w *Writer) Bool(number protowire.Number, v bool) {
	if v {
		w.Int(number, 1)
	}
}

// Bytes writes bytes.
func (w *Writer) Bytes(number protowire.Number, v []byte) {
	if len(v) > 0 {
		end := w.Len()
		copy(w.room(len(v)), v)
		w.Message(number, end)
	}
}

// Text writes a text.
func (w *Writer) Text(number protowire.Number, v string) {
	if v != "" {
		w.invalid = w.invalid || !utf8.ValidString(v)
		end := w.Len()
		copy(w.room(len(v)), v)
		w.Message(number, end)
	}
}

// Message makes all that was written since w.Len() was end a message in the field with the number.
func (w *Writer) Message(number protowire.Number, end int) {
	w.varint(uint64(w.Len() - end))
	w.tag(number, Length)
}

func (w *Writer) tag(number protowire.Number, kind uint64) { w.varint(uint64(number)<<3 | kind) }

func (w *Writer) varint(v uint64) {
	b := w.room(protowire.SizeVarint(v))
	protowire.AppendVarint(b[:0], v)
}

// room returns the n bytes before those that were written.
func (w *Writer) room(n int) []byte {
	if n > w.at {
		written := w.b[w.at:]
		grown := make([]byte, 2*len(w.b)+n)
		w.at = len(grown) - len(written)
		copy(grown[w.at:], written)
		w.b = grown
	}
	w.at -= n
	return w.b[w.at : w.at+n]
}
