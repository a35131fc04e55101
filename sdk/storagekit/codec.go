package storagekit

import (
	"encoding/binary"
	"time"
	"unsafe"

	"github.com/botyard/botyard/sdk/fault"
)

// encoder writes the fields of a record one after another. A decoder reads them in the same order. A
// later version may append fields. A decoder reads a missing field as zero.
type encoder struct{ b []byte }

func (e *encoder) number(n int64) { e.b = binary.AppendVarint(e.b, n) }
func (e *encoder) text(s string)  { e.number(int64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) bytes(b []byte) { e.number(int64(len(b))); e.b = append(e.b, b...) }

func (e *encoder) bool(b bool) {
	n := int64(0)
	if b {
		n = 1
	}
	e.number(n)
}

func (e *encoder) time(t time.Time) {
	nanos := int64(0)
	if !t.IsZero() {
		nanos = t.UnixNano()
	}
	e.b = appendNumber(e.b, nanos)
}

// decoder reads the fields of a record. After an error it returns zero values; err then returns the
// error.
type decoder struct {
	b   []byte
	bad bool
}

// timeBytes is the length of a time in a record.
const timeBytes = 8

func (d *decoder) number() int64 {
	if len(d.b) == 0 {
		return 0
	}
	if b := d.b[0]; b < 0x80 { // most numbers are small
		d.b = d.b[1:]
		return int64(b>>1) ^ -int64(b&1)
	}
	n, size := binary.Varint(d.b)
	if size <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[size:]
	return n
}

// bytes reads a field of bytes. It returns a part of the record, and nil for no bytes.
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

// text returns a text that shares its bytes with the record. Nobody changes what a Reader has returned.
func (d *decoder) text() string {
	b := d.bytes()
	return unsafe.String(unsafe.SliceData(b), len(b))
}

// isText reports whether the next field is the given text. It reads the field only if so.
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
	if len(d.b) < timeBytes {
		d.b, d.bad = nil, d.bad || len(d.b) > 0
		return time.Time{}
	}
	n := int64(binary.BigEndian.Uint64(d.b))
	d.b = d.b[timeBytes:]
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (d *decoder) err() error {
	if d.bad {
		return fault.New(fault.Internal, "a record in the database is not as the plugin wrote it").By(fault.PartyPlugin)
	}
	return nil
}
