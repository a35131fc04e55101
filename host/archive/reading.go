package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/sdk/fault"
)

// reading gives the lines of an export, and refuses what cannot be one.
type reading struct {
	in     *bufio.Reader
	number int // of the last line
	buf    []byte

	// large is asked for leave to hold a line that is long; done gives it back. Nil asks
	// nobody.
	large func() (done func(), err error)
	done  func() // nil without leave
}

// free gives back what the last line took, if it was long.
func (r *reading) free() {
	if r.done != nil {
		r.done()
		r.done, r.buf = nil, nil
	}
}

// errCutOff is an export without its end.
var errCutOff = errors.New("the export is cut off: its end is missing")

// next reads a line; what it answers is good until the next call.
func (r *reading) next() ([]byte, error) {
	r.free()
	r.buf = r.buf[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		if len(r.buf)+len(part) > bounds.ImportLine && r.done == nil && r.large != nil {
			var refused error
			if r.done, refused = r.large(); refused != nil {
				return nil, refused
			}
		}
		r.buf = append(r.buf, part...)
		switch {
		case len(r.buf) == len(part) && !mayBeObject(part): // told before the rest of it comes
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
			// A last line without its line feed is whole if it is JSON.
			r.number++
			return r.buf, nil
		default:
			return nil, fault.New(fault.Canceled, "the export could not be read on: %w", err)
		}
	}
}

// mayBeObject says whether what begins so can be an object of JSON.
func mayBeObject(begin []byte) bool {
	begin = bytes.TrimLeft(begin, " \t\r\n")
	return len(begin) == 0 || begin[0] == '{'
}

// decode reads a line of any type into what its type is read into.
func decode(line []byte) (any, error) {
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
	if n := jsonstream.Values(line); n > bounds.ImportValues {
		return nil, fault.New(fault.Invalid, "has %d values; at most %d are taken", n, bounds.ImportValues)
	}
	if bytes.HasPrefix(line, []byte(`{"type":"turn",`)) {
		kind.Type = TypeTurn // nearly all are: they are read once
	} else if err := json.Unmarshal(line, &kind); err != nil {
		return nil, fault.New(fault.Invalid, "is not the JSON of a line of an export: %w", err)
	}
	var out any
	switch kind.Type {
	case TypeExport:
		if kind.Version != Version {
			return nil, fault.New(fault.Invalid, "is of version %d of the form of exports; this host reads version %d", kind.Version, Version)
		}
		out = &headLine{}
	case TypeTenant:
		out = &tenantDocument{}
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
	// A field that is not known would be lost.
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		return nil, fault.New(fault.Invalid, "is not a line of the type %q: %w", kind.Type, err)
	}
	return out, nil
}

// tenantDocument is a tenantLine whose configuration is not read yet.
type tenantDocument struct {
	Type       string          `json:"type"`
	Config     json.RawMessage `json:"config"`
	LeftOut    []string        `json:"left_out"`
	Own        json.RawMessage `json:"own"`
	OwnLeftOut []string        `json:"own_left_out"`
}
