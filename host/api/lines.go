package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// linesType is JSON, one value a line.
const linesType = "application/x-ndjson"

// linesTimeout is how long either side of an export or an import may take nothing or
// bring nothing. It is longer than for other answers: a pipe from one host to
// another is as slow as the slower one's storage.
const linesTimeout = 5 * time.Minute

// lines answers with lines of JSON, which are sent as they come. The answer begins
// with the first.
type lines struct {
	w       http.ResponseWriter
	c       *http.ResponseController
	timeout time.Duration
	begun   bool
}

func newLines(w http.ResponseWriter, timeout time.Duration) *lines {
	return &lines{w: w, c: http.NewResponseController(w), timeout: timeout}
}

// begin writes the header.
func (l *lines) begin() {
	if l.begun {
		return
	}
	l.begun = true
	h := l.w.Header()
	h.Set("Content-Type", linesType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	l.w.WriteHeader(http.StatusOK)
}

// Write writes whole lines. Each part of them has the timeout, so that one that is
// long is not a reason to give a reader up.
func (l *lines) Write(b []byte) (n int, err error) {
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

// line writes one at once.
func (l *lines) line(v any) error {
	b, err := encode(v)
	if err == nil {
		_, err = l.Write(append(b, '\n'))
	}
	if err == nil {
		err = l.c.Flush()
	}
	return err
}

// ErrorLine is the last line of an answer that fails after its first line.
type ErrorLine struct {
	Type    string   `json:"type"` // "error"
	Problem *Problem `json:"problem"`
}

// fail ends the answer with an error: as any other if nothing was written.
func (l *lines) fail(r *http.Request, err error) error {
	if !l.begun {
		return err
	}
	err = ended(r, err)
	noteError(l.w, err)
	_ = l.line(ErrorLine{Type: "error", Problem: problemFor(r, err)}) // a reader that is gone reads nothing
	return nil
}

// incoming is a body that is read as it comes, for as long as something does and ctx
// lasts.
type incoming struct {
	ctx     context.Context
	c       *http.ResponseController
	body    io.Reader
	timeout time.Duration
	whole   func() // called at the body's end
}

// Read implements io.Reader.
func (i *incoming) Read(b []byte) (int, error) {
	_ = i.c.SetReadDeadline(time.Now().Add(i.timeout))
	if err := i.ctx.Err(); err != nil { // asked after: the end of ctx sets a deadline too
		return 0, context.Cause(i.ctx)
	}
	n, err := i.body.Read(b)
	if errors.Is(err, io.EOF) {
		i.whole()
	}
	if err != nil && i.ctx.Err() != nil && !errors.Is(err, io.EOF) {
		err = context.Cause(i.ctx)
	}
	return n, err
}

// receive gives the body of a request as it comes. It is given up with the request's
// context, or when nothing comes for the timeout.
func receive(w http.ResponseWriter, r *http.Request, timeout time.Duration) (body io.Reader, stop func()) {
	c := http.NewResponseController(w)
	forget := context.AfterFunc(r.Context(), func() { _ = c.SetReadDeadline(time.Now()) })
	return &incoming{ctx: r.Context(), c: c, body: r.Body, timeout: timeout, whole: func() { noteWhole(w) }}, func() {
		forget()
		_ = c.SetReadDeadline(time.Time{})
	}
}
