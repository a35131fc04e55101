package upstream

import (
	"bytes"
	"errors"
	"io"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/budget"
	"github.com/botyard/botyard/sdk/fault"
)

// Event is a server-sent event. Data is valid until the next event is read. What a plugin needs of it
// later it keeps with [Kept].
type Event struct {
	Name string
	Data []byte
}

// Events reads the server-sent events of a response: blank lines end an event, lines that begin with
// a colon are comments, lines may end with CR, LF or both, and a byte order mark may come first. It
// leaves out events without data. Unlike the standard says, an event at the end of the stream counts
// although no blank line follows it.
type Events struct {
	response *Response
	buf      []byte // bytes that were read
	rest     []byte // the part of buf that is not used yet
	err      error  // the error of the body, which follows rest

	event Event
	named string
	has   bool // the event has data
	line  []byte
	cr    bool  // the line before ended with CR
	begun bool  // the first bytes were looked at
	idle  int64 // bytes of lines since the last one with data
}

// Events returns the events of the body.
func (r *Response) Events() *Events {
	return &Events{response: r, buf: make([]byte, eventsBuffer)}
}

// eventsBuffer is the size of the buffer for reads. keptBuffer is the largest buffer for the data of
// an event that is used again.
const (
	eventsBuffer = 16 << 10
	keptBuffer   = 256 << 10
)

// Next returns the next event. At the end of the stream it returns io.EOF. Any other error is of
// package fault.
func (e *Events) Next() (Event, error) {
	data := e.event.Data[:0]
	if cap(data) > keptBuffer {
		data = nil
	}
	e.event, e.named, e.has = Event{Data: data}, "", false
	e.response.body.meter.Shrink(e.response.body.kept)
	for {
		done, err := e.readLine()
		if err == nil && !done {
			continue
		}
		if errors.Is(err, io.EOF) && (e.has || len(e.line) > 0) {
			_ = e.field()
			done = e.has
		}
		if done {
			e.event.Name = e.named
			e.event.Data = bytes.TrimSuffix(e.event.Data, []byte("\n"))
			return e.event, nil
		}
		if errors.Is(err, io.EOF) {
			return Event{}, io.EOF
		}
		return Event{}, e.response.broken(err)
	}
}

// readLine reads a line, or the part of it that is there. It reports whether an event is complete.
func (e *Events) readLine() (complete bool, err error) {
	if len(e.rest) == 0 {
		if err := e.fill(); err != nil {
			return false, err
		}
	}
	if e.cr && e.rest[0] == '\n' {
		e.rest = e.rest[1:]
	}
	e.cr = false
	end := bytes.IndexAny(e.rest, "\r\n")
	if end < 0 {
		err := e.keep(e.rest)
		e.rest = nil
		return false, err
	}
	if err := e.keep(e.rest[:end]); err != nil {
		return false, err
	}
	e.cr = e.rest[end] == '\r'
	e.rest = e.rest[end+1:]
	if blank := len(e.line) == 0; blank && e.has {
		return true, nil
	} else if blank {
		e.named = ""
	}
	return false, e.field()
}

// fill reads more bytes.
func (e *Events) fill() error {
	if e.err != nil {
		return e.err
	}
	n, err := e.response.body.Read(e.buf)
	e.rest, e.err = e.buf[:n], err
	if !e.begun && n > 0 {
		e.begun = true
		e.rest = bytes.TrimPrefix(e.rest, []byte("\xEF\xBB\xBF"))
	}
	if len(e.rest) == 0 {
		if e.err != nil {
			return e.err
		}
		return e.fill()
	}
	return nil
}

// keep appends to the line.
func (e *Events) keep(text []byte) error {
	e.line = append(e.line, text...)
	switch c := e.response.client; {
	case len(e.line)+len(e.event.Data) > sdk.MaxUpstreamLineBytes:
		return c.tooMuch("sends an event of more than %d MiB", sdk.MaxUpstreamLineBytes>>20)
	case !e.response.body.meter.Add(int64(len(text)), budget.Patience):
		return c.noRoom()
	}
	return nil
}

// field adds the field in the line to the event. It returns an error if there were too many lines
// without data.
func (e *Events) field() error {
	e.idle += int64(len(e.line)) + 1
	name, value, _ := bytes.Cut(e.line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		e.named = string(value[:min(len(value), sdk.MaxNameBytes)])
	case "data":
		e.event.Data = append(append(e.event.Data, value...), '\n')
		e.has = true
		e.idle = 0
	}
	e.line = e.line[:0]
	if e.idle > sdk.MaxUpstreamIdleBytes {
		return e.response.client.tooMuch("sends %d bytes with no event in them", e.idle)
	}
	return nil
}

// Interrupted returns the error of a stream that ended before the reply was complete.
func (r *Response) Interrupted() *fault.Error {
	return fault.New(fault.ProviderFailed, "%s ended the reply before it was complete", r.client.Server())
}
