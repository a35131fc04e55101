package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/jsonstream"
	"github.com/botyard/botyard/host/registry"
)

// Names of the events of a streamed chat: any number of deltas, then done or error.
const (
	EventDelta = "delta" // {"text"}: a piece of the reply
	EventDone  = "done"  // a ChatReply; the turn is committed
	EventError = "error" // a Problem; the turn is not
)

// flushSoon is how long a piece of a reply waits for what follows, so that one system
// call, and one waking of the reader, serves both. The first piece does not wait.
const flushSoon = 5 * time.Millisecond

// When an event is flushed.
type flushing int

const (
	flushNow flushing = iota
	flushLater
	flushAtEnd // of the response, together with it
)

// stream answers with server-sent events. What fails before anything was written
// is an ordinary error with its status; later, or when the caller had to be kept
// waiting, it is an event. A caller that leaves ends the turn, and so does one
// that takes nothing for writeTimeout.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, lease *registry.Lease, req bot.Request) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	e := &events{w: w, c: http.NewResponseController(w), timeout: s.writeTimeout, lost: cancel}

	e.keepAlive(s.keepalive)
	deltas := 0
	piece := func(text string) error {
		deltas++
		when := flushLater
		if deltas == 1 {
			when = flushNow
		}
		return e.event(EventDelta, delta{text}, when)
	}
	reply, err := lease.Chat(ctx, req, piece)
	// Before the response ends, after which nobody may write.
	e.rest()

	if err != nil {
		if !e.begun {
			return err
		}
		err = ended(r, err)
		noteError(w, err)
		if hasLeft(r) {
			return nil // nobody reads it
		}
		p := problemFor(r, err)
		_ = e.event(EventError, p, flushAtEnd)
		return nil
	}
	if reply.Replayed && !e.begun {
		w.Header().Set(replayedHeader, "true")
	}
	for text := reply.Text; deltas == 0 && text != ""; { // replayed, or of a provider that does not stream
		next := jsonstream.FirstPiece(text, jsonstream.Long)
		if text = text[len(next):]; e.event(EventDelta, delta{next}, flushAtEnd) != nil {
			break
		}
	}
	if err := e.done(newChatReply(reply, lease.Cached)); err != nil {
		noteError(w, err)
	}
	return nil
}

// done writes the last event of a turn that succeeded.
func (e *events) done(reply ChatReply) error {
	if _, err := io.WriteString(eventWriter{e}, "event: "+EventDone+"\ndata: "); err != nil {
		return err
	}
	return reply.write(eventWriter{e}, "\n\n")
}

// eventWriter writes parts of an event, after rest.
type eventWriter struct{ e *events }

// Write implements io.Writer.
func (w eventWriter) Write(b []byte) (int, error) {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	return len(b), w.e.write(b, flushAtEnd)
}

// delta is the data of EventDelta.
type delta struct {
	Text string `json:"text"`
}

// events writes server-sent events.
type events struct {
	c       *http.ResponseController
	timeout time.Duration
	lost    context.CancelCauseFunc // told when the reader is

	mu       sync.Mutex
	w        http.ResponseWriter
	begun    bool
	resting  bool // nobody else writes
	last     time.Time
	deadline time.Time // for writing, as it was set last
	alive    *time.Timer
	late     *time.Timer // flushes what waits; nil before anything did
	waiting  bool        // for it
	err      error
}

func (e *events) event(name string, data any, when flushing) error {
	body, err := encode(data)
	if err != nil {
		return err
	}
	b := make([]byte, 0, len(name)+len(body)+16)
	b = append(append(append(b, "event: "...), name...), "\ndata: "...)
	b = append(append(b, body...), "\n\n"...)
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.write(b, when)
}

// write needs the lock.
func (e *events) write(b []byte, when flushing) error {
	if e.err != nil {
		return e.err
	}
	e.last = time.Now()
	// Setting it costs more than a piece; a sixteenth sooner does no harm.
	if at := e.last.Add(e.timeout); at.Sub(e.deadline) > e.timeout/16 {
		e.deadline = at
		_ = e.c.SetWriteDeadline(at)
	}
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // nginx holds streams back otherwise
		e.w.WriteHeader(http.StatusOK)
	}
	_, err := e.w.Write(b)
	switch {
	case err != nil || when == flushAtEnd:
	case when == flushNow:
		e.waiting = false
		err = e.c.Flush()
	case e.waiting:
	case e.late == nil:
		e.waiting = true
		e.late = time.AfterFunc(flushSoon, e.flushLate)
	default:
		e.waiting = true
		e.late.Reset(flushSoon)
	}
	return e.note(err)
}

func (e *events) flushLate() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.resting || !e.waiting || e.err != nil {
		return
	}
	e.waiting = false
	_ = e.note(e.c.Flush())
}

// note keeps an error of writing and tells of it. It needs the lock.
func (e *events) note(err error) error {
	if err != nil {
		e.err = fmt.Errorf("the reader is gone or too slow: %w", err)
		e.lost(e.err)
	}
	return e.err
}

// keepAlive writes a comment whenever nothing was written for the interval, so
// that neither the caller nor what is between gives up on a model that thinks. It
// goes on until rest.
func (e *events) keepAlive(interval time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last = time.Now()
	e.alive = time.AfterFunc(interval, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.resting {
			return
		}
		wait := interval - time.Since(e.last)
		if wait <= 0 {
			_ = e.write([]byte(": keepalive\n\n"), flushNow)
			wait = interval
		}
		e.alive.Reset(wait)
	})
}

// rest ends what is timed: when it returns nobody else writes.
func (e *events) rest() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resting = true
	e.alive.Stop()
	if e.late != nil {
		e.late.Stop()
	}
}
