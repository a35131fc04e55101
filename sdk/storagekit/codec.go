package storagekit

import (
	"encoding/binary"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// encoder writes the fields of a record one after another. decoder reads them in the same order. A
// later version may append fields: a decoder reads missing fields as zero.
type encoder struct{ b []byte }

func (e *encoder) number(n int64) { e.b = binary.AppendVarint(e.b, n) }
func (e *encoder) text(s string)  { e.number(int64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) bytes(b []byte) { e.number(int64(len(b))); e.b = append(e.b, b...) }
func (e *encoder) bool(b bool)    { e.number(map[bool]int64{true: 1}[b]) }
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.number(0)
		return
	}
	e.number(t.UnixNano())
}

type decoder struct {
	b     []byte
	bad   bool
	whole string // the whole record, of which the texts are then parts; may be empty
}

func (d *decoder) number() int64 {
	if len(d.b) == 0 {
		return 0
	}
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[size:]
	return n
}

// bytes returns a part of the record, and nil for no bytes.
func (d *decoder) bytes() []byte {
	n := d.number()
	if n < 0 || n > int64(len(d.b)) {
		d.b, d.bad = nil, true
		return nil
	}
	if n == 0 {
		return nil
	}
	out := d.b[:n:n]
	d.b = d.b[n:]
	return out
}

func (d *decoder) text() string {
	b := d.bytes()
	if d.whole == "" {
		return string(b)
	}
	end := len(d.whole) - len(d.b)
	return d.whole[end-len(b) : end]
}

// isText reports whether the next field is the text. If so, it reads the field.
func (d *decoder) isText(text string) bool {
	next := *d
	if string(next.bytes()) != text {
		return false
	}
	*d = next
	return true
}

func (d *decoder) bool() bool { return d.number() != 0 }
func (d *decoder) time() time.Time {
	if n := d.number(); n != 0 {
		return time.Unix(0, n).UTC()
	}
	return time.Time{}
}

func (d *decoder) err() error {
	if d.bad {
		return fault.New(fault.Internal, "a record in the database is not as the plugin wrote it").By(fault.PartyPlugin)
	}
	return nil
}
