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

// The events of a streamed chat: any number of deltas, then done or error.
const (
	EventDelta = "delta" // the data is {"text": ...}, a piece of the reply
	EventDone  = "done"  // the data is a ChatReply; the turn is committed
	EventError = "error" // the data is a Problem; the turn is not committed
)

// flushDelay is how long a piece of a reply waits for the next one, so that one system
// call sends both. The first piece is sent at once.
const flushDelay = 5 * time.Millisecond

// flushing says when an event is flushed.
type flushing int

const (
	flushNow   flushing = iota
	flushLater          // after flushDelay, together with what follows
	flushAtEnd          // with the end of the response
)

// stream runs the turn and answers with server-sent events. An error before the first
// event or keepalive comment is an ordinary problem with its status; later it is an error
// event. The turn is interrupted if the caller disconnects, or takes nothing for
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
	// After the response has ended, nobody may write to it.
	e.stopTimers()

	if err != nil {
		if !e.begun {
			return err
		}
		err = preferCancelCause(r, err)
		noteError(w, err)
		if callerLeft(r) {
			return nil // nobody is there to read the event
		}
		p := problemFor(r, err)
		_ = e.event(EventError, p, flushAtEnd)
		return nil
	}
	if reply.Replayed && !e.begun {
		w.Header().Set(replayedHeader, "true")
	}
	for text := reply.Text; deltas == 0 && text != ""; { // the reply of a replayed turn, or of a provider that does not stream
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

// done writes the last event of a turn that succeeded. Call it after stopTimers.
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

// eventWriter writes server-sent events. Its timers write keepalive comments and flush
// pieces of the reply, concurrently with the turn. Call keepAlive first, and stopTimers
// before the response ends.
type eventWriter struct {
	c       *http.ResponseController
	timeout time.Duration           // how long the reader may make no progress
	onError context.CancelCauseFunc // called with the first error of writing

	mu         sync.Mutex
	w          http.ResponseWriter
	begun      bool      // the header was written
	stopped    bool      // the timers do nothing any more
	lastWrite  time.Time // or the start of keepAlive
	deadline   time.Time // the write deadline that was set last
	keepalive  *time.Timer
	flushTimer *time.Timer // nil before the first delayed flush
	unflushed  bool        // flushTimer is running
	err        error       // the first error of writing
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

// writeLocked writes bytes of an event or a comment, and the header before the first.
// Locked: mu is held.
func (e *eventWriter) writeLocked(b []byte, when flushing) error {
	if e.err != nil {
		return e.err
	}
	e.lastWrite = time.Now()
	// To set the deadline costs more than to write a piece, so it is set only if it would
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
		h.Set("X-Accel-Buffering", "no") // else nginx holds the stream back
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

// flushDelayed is called by flushTimer.
func (e *eventWriter) flushDelayed() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || !e.unflushed || e.err != nil {
		return
	}
	e.unflushed = false
	_ = e.noteErrorLocked(e.c.Flush())
}

// noteErrorLocked keeps the first error of writing, calls onError with it, and returns it.
// Locked: mu is held.
func (e *eventWriter) noteErrorLocked(err error) error {
	if err != nil {
		e.err = fmt.Errorf("the reader is gone or too slow: %w", err)
		e.onError(e.err)
	}
	return e.err
}

// keepAlive writes a comment whenever nothing was written for the interval, until
// stopTimers. It keeps the caller, and proxies on the way, from giving up while a model
// thinks.
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

// stopTimers stops the timers. After it returned, only its caller writes.
func (e *eventWriter) stopTimers() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	e.keepalive.Stop()
	if e.flushTimer != nil {
		e.flushTimer.Stop()
	}
}
