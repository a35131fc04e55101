package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/fault"
)

// lineReader reads the lines of an export. It refuses a line that is too long, that comes too
// slowly, or that cannot be a JSON object, before it has read the whole line.
type lineReader struct {
	in     *bufio.Reader
	number int // the number of the line that next read last; the first line has the number 1
	buf    []byte

	// reserve waits until a long line may be held in memory. If reserve is nil, the number of
	// long lines in memory has no bound.
	reserve func() (release func(), err error)
	release func() // ends the reservation for the current line; nil without a reservation

	// setDeadline makes reads fail with os.ErrDeadlineExceeded at a time, or at none if the time is
	// zero. It may be nil.
	setDeadline func(time.Time)
	begun       time.Time // when the current line was reserved
	before      int       // bytes of the current line that had come by then
	deadline    time.Time // the deadline of the reads of the current line, if it is reserved
}

// free drops the current line if it is long, and releases its reservation.
func (r *lineReader) free() {
	if r.release != nil {
		r.release()
		r.release, r.buf = nil, nil
		if r.setDeadline != nil {
			r.setDeadline(time.Time{})
		}
	}
}

// next reads a line and returns it without its line feed. The line is valid until the next
// call of next or free. At the end of the input the error is io.EOF.
func (r *lineReader) next() ([]byte, error) {
	r.free()
	r.buf = r.buf[:0]
	for {
		until := r.deadline
		part, err := r.in.ReadSlice('\n')
		if len(r.buf)+len(part) > bounds.ImportLine && r.release == nil && r.reserve != nil {
			var refused error
			if r.release, refused = r.reserve(); refused != nil {
				return nil, refused
			}
			r.begun, r.before = time.Now(), len(r.buf)
		}
		r.buf = append(r.buf, part...)
		if r.release != nil && r.setDeadline != nil {
			r.deadline = r.begun.Add(bounds.Stall + time.Duration(len(r.buf)-r.before)*time.Second/bounds.SlowestRate)
			r.setDeadline(r.deadline)
		}
		switch {
		// the first part of a line decides whether the line can be an object
		case len(r.buf) == len(part) && !mayBeObject(part):
			r.number++
			return nil, fault.New(fault.Invalid, "is not the JSON of a line of an export: it begins with %q", short(string(r.buf[:min(len(r.buf), 10)])))
		case len(r.buf) > MaxLine:
			r.number++
			return nil, fault.New(fault.Invalid, "has more than %d bytes", MaxLine)
		case err == nil:
			r.number++
			return bytes.TrimSuffix(r.buf, []byte("\n")), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(r.buf)) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF):
			// The last line may lack its line feed. A last line that is cut off is not valid
			// JSON, so decodeLine refuses it.
			r.number++
			return r.buf, nil
		case r.release != nil && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(until):
			r.number++
			return nil, fault.New(fault.Invalid, "comes too slowly: a line above %s has %s, and a second more for each %s", bounds.Bytes(bounds.ImportLine), bounds.Stall, bounds.Bytes(bounds.SlowestRate)).By(fault.PartyCaller)
		default:
			return nil, fault.New(fault.Canceled, "the export could not be read on: %w", err)
		}
	}
}

// mayBeObject reports whether a text with this beginning can be a JSON object.
func mayBeObject(begin []byte) bool {
	begin = bytes.TrimLeft(begin, " \t\r\n")
	return len(begin) == 0 || begin[0] == '{'
}

// decodeLine decodes a line of an export. It returns a pointer to exportLine,
// receivedTenantLine, conversationLine, turnLine or endLine. It returns fault.Invalid for a
// line of an unknown type, with an unknown field, or of the type "error".
func decodeLine(line []byte) (any, error) {
	var kind struct {
		Type    string `json:"type"`
		Version int    `json:"version"`
		Problem struct {
			Detail string `json:"detail"`
		} `json:"problem"`
	}
	if !utf8.Valid(line) {
		return nil, fault.New(fault.Invalid, "is not UTF-8 text")
	}
	if n := jsonstream.CountValues(line); n > bounds.ImportValues {
		return nil, fault.New(fault.Invalid, "has %d values; at most %d are taken", n, bounds.ImportValues)
	}
	if bytes.HasPrefix(line, []byte(`{"type":"turn",`)) {
		// Nearly all lines are turns. A prefix tells their type, so that they are parsed only
		// once.
		kind.Type = TypeTurn
	} else if err := json.Unmarshal(line, &kind); err != nil {
		return nil, fault.New(fault.Invalid, "is not the JSON of a line of an export: %w", err)
	}
	var out any
	switch kind.Type {
	case TypeExport:
		if kind.Version != Version {
			return nil, fault.New(fault.Invalid, "is of version %d of the form of exports; this host reads version %d", kind.Version, Version)
		}
		out = &exportLine{}
	case TypeTenant:
		out = &receivedTenantLine{}
	case TypeConversation:
		out = &conversationLine{}
	case TypeTurn:
		out = &turnLine{}
	case TypeEnd:
		out = &endLine{}
	case TypeError:
		return nil, fault.New(fault.Invalid, "says that the export failed: %s", kind.Problem.Detail)
	default:
		return nil, fault.New(fault.Invalid, "is of the type %q, which no line of an export is", kind.Type)
	}
	// The import would lose the value of an unknown field, so an unknown field is an error.
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		return nil, fault.New(fault.Invalid, "is not a line of the type %q: %w", kind.Type, err)
	}
	if turn, ok := out.(*turnLine); ok {
		for i := range turn.Messages {
			if err := turn.Messages[i].decodeBody(); err != nil {
				return nil, fault.New(fault.Invalid, "has a body of message %d that is no message: %w", i+1, err)
			}
		}
	}
	return out, nil
}
