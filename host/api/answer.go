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

// paced writes an answer in pieces. A reader has the stall for each piece, and for all
// of them the stall and as long as the slowest rate takes.
type paced struct {
	w     http.ResponseWriter
	c     *http.ResponseController
	stall time.Duration
	start time.Time
	taken int64
}

func newPaced(w http.ResponseWriter, stall time.Duration) *paced {
	return &paced{w: w, c: http.NewResponseController(w), stall: stall, start: time.Now()}
}

// Write implements io.Writer.
func (p *paced) Write(b []byte) (n int, err error) {
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

// answer is an answer of unknown length. One that is small is sent at once and with its
// length; of a larger one each piece is sent when it is there.
type answer struct {
	w           http.ResponseWriter
	status      int
	contentType string
	stall       time.Duration

	small bytes.Buffer
	out   *paced // nil while it is small
}

// largeAnswer is where an answer is not small any more.
const largeAnswer = 64 << 10

// Write implements io.Writer.
func (a *answer) Write(b []byte) (int, error) {
	if a.out == nil {
		if a.small.Len()+len(b) <= largeAnswer {
			return a.small.Write(b)
		}
		a.w.Header().Set("Content-Type", a.contentType)
		a.w.Header().Set("Cache-Control", "no-store")
		a.w.WriteHeader(a.status)
		a.out = newPaced(a.w, a.stall)
		if _, err := a.out.Write(a.small.Bytes()); err != nil {
			return 0, err
		}
		a.small = bytes.Buffer{}
	}
	return a.out.Write(b)
}

// end sends what was not sent. What went wrong with writing is known by then.
func (a *answer) end(err error) {
	if a.out == nil && err == nil {
		err = sendBody(a.w, a.status, a.contentType, a.small.Bytes(), a.stall)
	}
	if err == nil || errors.Is(err, http.ErrBodyNotAllowed) {
		return
	}
	noteError(a.w, fmt.Errorf("the answer could not be delivered: %w", err))
	if a.out != nil {
		// It has begun and has no end: the reader must not take it for whole.
		panic(http.ErrAbortHandler)
	}
}

// sendBody answers with all of the body at once.
func sendBody(w http.ResponseWriter, status int, contentType string, body []byte, stall time.Duration) error {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("Cache-Control", "no-store")
	out := newPaced(w, stall)
	_ = out.c.SetWriteDeadline(out.start.Add(stall))
	w.WriteHeader(status)
	_, err := out.Write(body)
	return err
}
