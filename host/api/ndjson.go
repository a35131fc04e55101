package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// ndjsonType is the media type of JSON lines.
const ndjsonType = "application/x-ndjson"

// ndjsonTimeout is how long the client of an export or an import may make no progress. It is longer
// than for other requests, because an export that is piped into an import waits for the storages of
// both hosts.
const ndjsonTimeout = 5 * time.Minute

// ndjsonWriter writes a response of JSON lines. It sends each line at once, and the header before
// the first line. Only one goroutine may use it at a time.
type ndjsonWriter struct {
	w       http.ResponseWriter
	c       *http.ResponseController
	timeout time.Duration
	begun   bool // whether the header is written
}

func newNDJSONWriter(w http.ResponseWriter, timeout time.Duration) *ndjsonWriter {
	return &ndjsonWriter{w: w, c: http.NewResponseController(w), timeout: timeout}
}

// begin writes the header, if the header is not yet written.
func (l *ndjsonWriter) begin() {
	if l.begun {
		return
	}
	l.begun = true
	h := l.w.Header()
	h.Set("Content-Type", ndjsonType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	l.w.WriteHeader(http.StatusOK)
}

// Write writes whole lines. It writes a long line in parts, and the timeout applies to each part,
// so that a slow reader has enough time.
func (l *ndjsonWriter) Write(b []byte) (n int, err error) {
	l.begin()
	const part = 64 << 10
	for len(b) > 0 {
		_ = l.c.SetWriteDeadline(time.Now().Add(l.timeout))
		m, err := l.w.Write(b[:min(part, len(b))])
		n += m
		if err != nil {
			return n, fmt.Errorf("the reader is gone or too slow: %w", err)
		}
		b = b[m:]
	}
	return n, nil
}

// writeLine writes v as a line and flushes the line to the client.
func (l *ndjsonWriter) writeLine(v any) error {
	b, err := encodeJSON(v)
	if err == nil {
		_, err = l.Write(append(b, '\n'))
	}
	if err == nil {
		err = l.c.Flush()
	}
	return err
}

// ErrorLine is the last line of a response that fails after its first line.
type ErrorLine struct {
	Type    string   `json:"type"` // always "error"
	Problem *Problem `json:"problem"`
}

// fail ends the response with an error. If the header is not yet written, fail returns err, and the
// caller responds with an ordinary problem. Otherwise fail writes an ErrorLine and returns nil.
func (l *ndjsonWriter) fail(r *http.Request, err error) error {
	if !l.begun {
		return err
	}
	err = preferCancelCause(r, err)
	noteError(l.w, err)
	_ = l.writeLine(ErrorLine{Type: "error", Problem: problemFor(r, err)}) // writing fails if the client has disconnected
	return nil
}

// streamedBody reads a request body while the body arrives. A read fails when no byte arrives
// within the timeout, at the deadline, or when ctx ends.
type streamedBody struct {
	ctx      context.Context
	c        *http.ResponseController
	body     io.Reader
	timeout  time.Duration
	deadline time.Time // of all reads; zero if they have only the timeout
	atEnd    func()    // called after the body was read to its end
}

// SetDeadline implements archive.Deadliner.
func (i *streamedBody) SetDeadline(t time.Time) { i.deadline = t }

// Read implements io.Reader.
func (i *streamedBody) Read(b []byte) (int, error) {
	end := time.Now().Add(i.timeout)
	limited := !i.deadline.IsZero() && i.deadline.Before(end)
	if limited {
		end = i.deadline
	}
	_ = i.c.SetReadDeadline(end)
	// SetReadDeadline may have replaced the deadline that the end of ctx sets, so the check comes after it.
	if err := i.ctx.Err(); err != nil {
		return 0, context.Cause(i.ctx)
	}
	n, err := i.body.Read(b)
	if errors.Is(err, io.EOF) {
		i.atEnd()
	}
	// Package net/http takes a deadline for a disconnect and cancels the context.
	if limited && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(end) {
		return n, err
	}
	if err != nil && i.ctx.Err() != nil && !errors.Is(err, io.EOF) {
		err = context.Cause(i.ctx)
	}
	return n, err
}

// streamBody returns the body of the request as a reader. A read fails when no byte arrives within
// the timeout, or when the request's context ends. The caller must call stop after the last read.
func streamBody(w http.ResponseWriter, r *http.Request, timeout time.Duration) (body *streamedBody, stop func()) {
	c := http.NewResponseController(w)
	forget := context.AfterFunc(r.Context(), func() { _ = c.SetReadDeadline(time.Now()) })
	return &streamedBody{ctx: r.Context(), c: c, body: r.Body, timeout: timeout, atEnd: func() { markBodyRead(w) }}, func() {
		forget()
		_ = c.SetReadDeadline(time.Time{})
	}
}
