package api

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/botyard/botyard/host/bounds"
)

// pacedWriter writes a response in pieces of bounds.Piece bytes. The client may take at most the
// time stall for each piece. For the whole response the client has the time that the response takes
// at bounds.SlowestRate, plus stall.
type pacedWriter struct {
	w     http.ResponseWriter
	c     *http.ResponseController
	stall time.Duration
	start time.Time
	taken int64 // the number of bytes that the client has taken
}

func newPacedWriter(w http.ResponseWriter, stall time.Duration) *pacedWriter {
	return &pacedWriter{w: w, c: http.NewResponseController(w), stall: stall, start: time.Now()}
}

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		at := time.Now().Add(p.stall)
		if last := p.start.Add(p.stall + time.Duration(p.taken)*time.Second/bounds.SlowestRate); last.Before(at) {
			at = last
		}
		_ = p.c.SetWriteDeadline(at)
		m, err := p.w.Write(b[:min(bounds.Piece, len(b))])
		n += m
		p.taken += int64(m)
		if err != nil {
			return n, err
		}
		b = b[m:]
	}
	return n, nil
}

// response writes a response of unknown length. It buffers a small response, and sends it with its
// length. It sends a larger response while the handler writes. The handler must call end.
type response struct {
	w           http.ResponseWriter
	status      int
	contentType string
	stall       time.Duration

	small bytes.Buffer
	out   *pacedWriter // nil while the response is buffered
}

// maxBufferedResponse is the maximum size in bytes of a response that is sent with its length.
const maxBufferedResponse = 64 << 10

// Write implements io.Writer.
func (a *response) Write(b []byte) (int, error) {
	if a.out == nil {
		if a.small.Len()+len(b) <= maxBufferedResponse {
			return a.small.Write(b)
		}
		a.w.Header().Set("Content-Type", a.contentType)
		a.w.Header().Set("Cache-Control", "no-store")
		a.w.WriteHeader(a.status)
		a.out = newPacedWriter(a.w, a.stall)
		if _, err := a.out.Write(a.small.Bytes()); err != nil {
			return 0, err
		}
		a.small = bytes.Buffer{}
	}
	return a.out.Write(b)
}

// end sends the buffered response. err is the first error of Write, or nil. If a response has begun
// and cannot be completed, end aborts the connection.
func (a *response) end(err error) {
	if a.out == nil && err == nil {
		err = sendBody(a.w, a.status, a.contentType, a.small.Bytes(), a.stall)
	}
	if err == nil || errors.Is(err, http.ErrBodyNotAllowed) {
		return
	}
	noteError(a.w, fmt.Errorf("the answer could not be delivered: %w", err))
	if a.out != nil {
		// The client must notice that the response is incomplete.
		panic(http.ErrAbortHandler)
	}
}

// sendBody writes a response with the whole body and its length.
func sendBody(w http.ResponseWriter, status int, contentType string, body []byte, stall time.Duration) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	out := newPacedWriter(w, stall)
	if len(body) == 0 { // if there is a body, Write sets the deadline before each piece
		_ = out.c.SetWriteDeadline(out.start.Add(stall))
	}
	w.WriteHeader(status)
	_, err := out.Write(body)
	return err
}
