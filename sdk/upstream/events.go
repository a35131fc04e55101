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

// Events reads the server-sent events of a response. A blank line ends an event. A line that begins
// with a colon is a comment. A line ends with CR, LF or both. A byte order mark may come first. Events
// skips events without data. Unlike the standard, it also returns an event that the end of the stream
// ends instead of a blank line. One goroutine uses an Events.
type Events struct {
	response *Response
	buf      []byte // the buffer for reads
	rest     []byte // the bytes in buf that are not parsed yet
	err      error  // the error of the body; it counts when rest is parsed

	event Event
	named string // the name of the event so far
	has   bool   // the event has data
	line  []byte // the line so far
	cr    bool   // the line before ended with CR
	begun bool   // the byte order mark was looked for
	idle  int64  // bytes of the lines since the last line of data
}

// Events returns a reader of the body as server-sent events. Nothing else reads the body then, except
// [Response.Drain]. The caller still closes the response.
func (r *Response) Events() *Events {
	return &Events{response: r, buf: make([]byte, eventsBuffer)}
}

// eventsBuffer is the size of the buffer for reads in bytes. keptBuffer is the size in bytes up to
// which the next event reuses the buffer of an event's data.
const (
	eventsBuffer = 16 << 10
	keptBuffer   = 256 << 10
)

// Next returns the next event, and waits until it has arrived. At the end of the stream it returns
// io.EOF. Every other error is of package fault: fault.ProviderFailed for a broken connection, for an
// event of more than sdk.MaxUpstreamLineBytes, and for more than sdk.MaxUpstreamIdleBytes without data;
// or the error of the request's context.
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

// readLine reads to the end of the line, or to the end of the bytes that have arrived. It reports
// whether an event is complete.
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

// fill reads at least one byte into rest, or returns the error of the body.
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

// keep appends text to the line. It returns fault.ProviderFailed if the event is too large, or if the
// process has no memory for it.
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

// field adds the line to the event as one of its fields, and empties the line. It returns
// fault.ProviderFailed after too many bytes without data.
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

// Interrupted returns fault.ProviderFailed, for a stream that ended before the reply was complete.
func (r *Response) Interrupted() *fault.Error {
	return fault.New(fault.ProviderFailed, "%s ended the reply before it was complete", r.client.Server())
}
