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

// These constants are the names of the events of a streamed chat. A stream has any number of
// deltas. If the turn succeeded, one event for each tool call follows, and then done. Otherwise an
// event error follows.
const (
	EventDelta    = "delta"     // the data is {"text": ...}, a piece of the reply
	EventToolCall = "tool_call" // the data is a chat.ToolCall that the client runs; the turn is committed
	EventDone     = "done"      // the data is a ChatReply; the turn is committed
	EventError    = "error"     // the data is a Problem; the turn is not committed
)

// flushDelay is how long a piece of a reply waits for the next piece, so that one system call sends
// both. The first piece of a reply is sent at once.
const flushDelay = 5 * time.Millisecond

// flushing says when an event is flushed to the client.
type flushing int

const (
	flushNow   flushing = iota
	flushLater          // after flushDelay, together with later events
	flushAtEnd          // at the end of the response
)

// stream runs the turn and responds with server-sent events. An error before the first event or
// keepalive comment becomes an ordinary problem with its HTTP status, and a later error becomes an
// error event. The turn is interrupted if the caller disconnects, or reads nothing for the time of
// writeTimeout.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, lease *registry.Lease, req bot.Request) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	e := &eventWriter{w: w, c: http.NewResponseController(w), timeout: s.writeTimeout, onError: cancel}

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
	// The timers must not write after the response has ended.
	e.stopTimers()

	if err != nil {
		if !e.begun {
			return err
		}
		err = preferCancelCause(r, err)
		noteError(w, err)
		if callerLeft(r) {
			return nil // the caller has disconnected and cannot read an error event
		}
		p := problemFor(r, err)
		_ = e.event(EventError, p, flushAtEnd)
		return nil
	}
	if reply.Replayed && !e.begun {
		w.Header().Set(replayedHeader, "true")
	}
	// The turn had no deltas, because it was replayed or its provider does not stream.
	for text := reply.Text; deltas == 0 && text != ""; {
		next := jsonstream.FirstPiece(text, jsonstream.Long)
		if text = text[len(next):]; e.event(EventDelta, delta{next}, flushAtEnd) != nil {
			break
		}
	}
	for _, c := range reply.ToolCalls {
		if e.event(EventToolCall, c, flushAtEnd) != nil {
			break
		}
	}
	if err := e.done(newChatReply(reply, lease.Cached)); err != nil {
		noteError(w, err)
	}
	return nil
}

// done writes the last event of a succeeded turn. It must be called after stopTimers.
func (e *eventWriter) done(reply ChatReply) error {
	if _, err := io.WriteString(eventPart{e}, "event: "+EventDone+"\ndata: "); err != nil {
		return err
	}
	return reply.write(eventPart{e}, "\n\n")
}

// eventPart writes a part of an event. It is used after stopTimers.
type eventPart struct{ e *eventWriter }

// Write implements io.Writer.
func (w eventPart) Write(b []byte) (int, error) {
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	return len(b), w.e.writeLocked(b, flushAtEnd)
}

// delta is the data of EventDelta.
type delta struct {
	Text string `json:"text"`
}

// eventWriter writes server-sent events. Its timers write keepalive comments and flush pieces of
// the reply, concurrently with the turn. Its user calls keepAlive first, and stopTimers before the
// response ends.
type eventWriter struct {
	c       *http.ResponseController
	timeout time.Duration           // how long the client may make no progress
	onError context.CancelCauseFunc // called with the first write error

	mu         sync.Mutex
	w          http.ResponseWriter
	begun      bool      // whether the header is written
	stopped    bool      // whether stopTimers was called
	lastWrite  time.Time // the time of the last write, or of keepAlive before the first write
	deadline   time.Time // the current write deadline
	keepalive  *time.Timer
	flushTimer *time.Timer // nil before the first delayed flush
	unflushed  bool        // whether flushTimer is running
	err        error       // the first write error
}

// event writes one event.
func (e *eventWriter) event(name string, data any, when flushing) error {
	body, err := encodeJSON(data)
	if err != nil {
		return err
	}
	b := make([]byte, 0, len(name)+len(body)+16)
	b = append(append(append(b, "event: "...), name...), "\ndata: "...)
	b = append(append(b, body...), "\n\n"...)
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.writeLocked(b, when)
}

// writeLocked writes bytes of an event or a comment. Before the first bytes it writes the header.
// Locked: mu is held.
func (e *eventWriter) writeLocked(b []byte, when flushing) error {
	if e.err != nil {
		return e.err
	}
	e.lastWrite = time.Now()
	// Setting the deadline costs more than writing a piece. So the deadline is set only if it would
	// move by more than a sixteenth of the timeout.
	if at := e.lastWrite.Add(e.timeout); at.Sub(e.deadline) > e.timeout/16 {
		e.deadline = at
		_ = e.c.SetWriteDeadline(at)
	}
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // without this header nginx would buffer the stream
		e.w.WriteHeader(http.StatusOK)
	}
	_, err := e.w.Write(b)
	switch {
	case err != nil || when == flushAtEnd:
	case when == flushNow:
		e.unflushed = false
		err = e.c.Flush()
	case e.unflushed:
	case e.flushTimer == nil:
		e.unflushed = true
		e.flushTimer = time.AfterFunc(flushDelay, e.flushDelayed)
	default:
		e.unflushed = true
		e.flushTimer.Reset(flushDelay)
	}
	return e.noteErrorLocked(err)
}

// flushDelayed flushes the delayed pieces. flushTimer calls it.
func (e *eventWriter) flushDelayed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || !e.unflushed || e.err != nil {
		return
	}
	e.unflushed = false
	_ = e.noteErrorLocked(e.c.Flush())
}

// noteErrorLocked records a write error, calls onError with the error, and returns it. It returns
// the recorded error if err is nil. Locked: mu is held.
func (e *eventWriter) noteErrorLocked(err error) error {
	if err != nil {
		e.err = fmt.Errorf("the reader is gone or too slow: %w", err)
		e.onError(e.err)
	}
	return e.err
}

// keepAlive starts a timer that writes a comment whenever no byte was written for the interval,
// until stopTimers. The comments keep the connection open in clients and proxies while the model is
// silent.
func (e *eventWriter) keepAlive(interval time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lastWrite = time.Now()
	e.keepalive = time.AfterFunc(interval, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.stopped {
			return
		}
		wait := interval - time.Since(e.lastWrite)
		if wait <= 0 {
			_ = e.writeLocked([]byte(": keepalive\n\n"), flushNow)
			wait = interval
		}
		e.keepalive.Reset(wait)
	})
}

// stopTimers stops the timers. After stopTimers has returned, no timer writes to the response.
func (e *eventWriter) stopTimers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	e.keepalive.Stop()
	if e.flushTimer != nil {
		e.flushTimer.Stop()
	}
}
