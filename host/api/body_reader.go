package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/fairshare"
	"github.com/botyard/botyard/sdk/fault"
)

// firstReadBytes is the initial size of the buffer for a body. A full buffer is doubled.
const firstReadBytes = 16 << 10

// bodyReader reads a body of at most limit bytes into memory. It takes bytes from the pool for the
// size of its buffer, and not for the Content-Length of the request.
type bodyReader struct {
	r     *http.Request
	c     *http.ResponseController
	limit int64
	share *fairshare.Share
	start time.Time
	stall time.Duration
	end   time.Time // the read deadline
}

// errBodyTooLarge returns the error for a body of more than limit bytes.
func errBodyTooLarge(limit int64) error {
	return withStatus(http.StatusRequestEntityTooLarge, fault.New(fault.Invalid, "the body has more than %d bytes", limit).By(fault.PartyCaller))
}

// readWholeBody reads the body of the request. It takes the bytes of the body from the pool, and
// the middleware releases them when the request ends. If the body arrives too slowly, readWholeBody
// returns an error with status 408.
func readWholeBody(x *exchange, r *http.Request, limit int64) ([]byte, error) {
	length := r.ContentLength
	if length > limit {
		return nil, errBodyTooLarge(limit)
	}
	if err := x.bodies.Check(x.chargedTenant, max(length, 0)); err != nil {
		return nil, err
	}
	most := limit
	if length >= 0 {
		most = length
	}
	size := min(most, firstReadBytes)
	share, err := x.bodies.Acquire(r.Context(), x.chargedTenant, size)
	if err != nil {
		return nil, err
	}
	x.body = share
	c := &bodyReader{r: r, c: http.NewResponseController(x), limit: limit, share: share, start: time.Now(), stall: stallOf(x)}
	release := context.AfterFunc(r.Context(), func() { _ = c.c.SetReadDeadline(time.Now()) })
	defer release()
	body, err := c.read(make([]byte, 0, size), most)
	switch {
	case err == nil:
		// After the body, net/http watches the connection for a disconnect, without a deadline.
		_ = c.c.SetReadDeadline(time.Time{})
		x.bodyRead = true
		markRequestRead(r.Context())
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(c.end): // checked before the context, because net/http takes the deadline for a disconnect and cancels the context
		return nil, withStatus(http.StatusRequestTimeout, fault.New(fault.Invalid, "the body came too slowly: it has %s, and a second more for each %s",
			c.stall, bounds.Bytes(bounds.SlowestRate)).By(fault.PartyCaller))
	case r.Context().Err() != nil:
		return nil, context.Cause(r.Context())
	case fault.Is(err, fault.RateLimited), fault.Is(err, fault.Invalid):
		return nil, err
	}
	return nil, malformedAt(nil, "the body cannot be read: %w", err)
}

// read appends to buf until the end of the body. The buffer grows up to most bytes.
func (c *bodyReader) read(buf []byte, most int64) ([]byte, error) {
	c.setDeadline(0)
	for {
		into := buf[len(buf):cap(buf)]
		full := len(into) == 0
		if full && int64(cap(buf)) < most {
			next := min(2*int64(cap(buf)), most)
			if err := c.share.Grow(next - int64(cap(buf))); err != nil {
				return nil, err
			}
			more := make([]byte, len(buf), next)
			copy(more, buf)
			buf = more
			c.setDeadline(int64(len(buf)))
			continue
		}
		if full { // a byte beyond the full buffer is an error
			into = make([]byte, 1)
		}
		n, err := c.r.Body.Read(into)
		switch {
		case full && n > 0:
			return nil, errBodyTooLarge(c.limit)
		case errors.Is(err, io.EOF):
			return buf[:len(buf)+n], nil
		case err != nil:
			return nil, err
		}
		buf = buf[:len(buf)+n]
	}
}

// setDeadline sets the read deadline after the first arrived bytes of the body were read. The
// deadline is the start of the read, plus the duration stall, plus the time that the arrived bytes
// take at bounds.SlowestRate.
func (c *bodyReader) setDeadline(arrived int64) {
	c.end = c.start.Add(c.stall + time.Duration(arrived)*time.Second/bounds.SlowestRate)
	_ = c.c.SetReadDeadline(c.end)
	if c.r.Context().Err() != nil { // SetReadDeadline may just have replaced the deadline that the end of the context sets
		_ = c.c.SetReadDeadline(time.Now())
	}
}
