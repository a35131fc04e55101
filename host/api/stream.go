package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/botyard/botyard/host/bot"
	"github.com/botyard/botyard/host/registry"
)

// Names of the events of a streamed chat: any number of deltas, then done or error.
const (
	EventDelta = "delta" // {"text"}: a piece of the reply
	EventDone  = "done"  // a ChatReply; the turn is committed
	EventError = "error" // a Problem; the turn is not
)

// stream answers with server-sent events. What fails before anything was written
// is an ordinary error with its status; later, or when the caller had to be kept
// waiting, it is an event. A caller that leaves ends the turn, and so does one
// that takes nothing for writeTimeout.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, lease *registry.Lease, req bot.Request) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	e := &events{w: w, c: http.NewResponseController(w), timeout: s.writeTimeout, lost: cancel}

	var alive sync.WaitGroup
	stop := make(chan struct{})
	alive.Go(func() { e.keepAlive(s.keepalive, stop) })
	deltas := 0
	delta := func(text string) error {
		deltas++
		return e.event(EventDelta, map[string]string{"text": text})
	}
	reply, err := lease.Chat(ctx, req, delta)
	// Joined before the response ends, after which nobody may write.
	close(stop)
	alive.Wait()

	if err != nil {
		if !e.begun {
			return err
		}
		noteError(w, err)
		if r.Context().Err() != nil && !s.turns.stopping() {
			return nil // nobody reads it
		}
		p := NewProblem(err)
		p.RequestID = requestID(r)
		_ = e.event(EventError, p)
		return nil
	}
	if reply.Replayed && !e.begun {
		w.Header().Set(replayedHeader, "true")
	}
	if deltas == 0 && reply.Text != "" {
		_ = delta(reply.Text) // replayed, or of a provider that does not stream
	}
	if err := e.event(EventDone, newChatReply(reply, lease.Cached)); err != nil {
		noteError(w, err)
	}
	return nil
}

// events writes server-sent events, each flushed at once.
type events struct {
	c       *http.ResponseController
	timeout time.Duration
	lost    context.CancelCauseFunc // told when the reader is

	mu    sync.Mutex
	w     http.ResponseWriter
	begun bool
	last  time.Time
	err   error
}

func (e *events) event(name string, data any) error {
	body, err := encode(data)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, body)
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.write(b.Bytes())
}

// write needs the lock.
func (e *events) write(b []byte) error {
	if e.err != nil {
		return e.err
	}
	_ = e.c.SetWriteDeadline(time.Now().Add(e.timeout))
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no") // nginx holds streams back otherwise
		e.w.WriteHeader(http.StatusOK)
	}
	_, err := e.w.Write(b)
	if err == nil {
		err = e.c.Flush()
	}
	e.last = time.Now()
	if err != nil {
		e.err = fmt.Errorf("the reader is gone or too slow: %w", err)
		e.lost(e.err)
	}
	return e.err
}

// keepAlive writes a comment whenever nothing was written for the interval, so
// that neither the caller nor what is between gives up on a model that thinks.
func (e *events) keepAlive(interval time.Duration, stop <-chan struct{}) {
	tick := time.NewTimer(interval)
	defer tick.Stop()
	e.mu.Lock()
	e.last = time.Now()
	e.mu.Unlock()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		e.mu.Lock()
		wait := interval - time.Since(e.last)
		if wait <= 0 {
			_ = e.write([]byte(": keepalive\n\n"))
			wait = interval
		}
		e.mu.Unlock()
		tick.Reset(wait)
	}
}
