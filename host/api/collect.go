package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/quota"
	"github.com/botyard/botyard/sdk/fault"
)

// firstBytes is what the first part of a body may have. Each further part is as large
// as what has come.
const firstBytes = 16 << 10

// collector reads a body of at most limit bytes as it comes, and holds as much of the
// pool as it has room for. Nothing is set aside for what a length only promises.
type collector struct {
	r     *http.Request
	c     *http.ResponseController
	limit int64
	share *quota.Share
	start time.Time
	stall time.Duration
	end   time.Time // when what has not come by then is given up
}

func errBodyTooLarge(limit int64) error {
	return withStatus(http.StatusRequestEntityTooLarge, fault.New(fault.Invalid, "the body has more than %d bytes", limit).By(fault.PartyCaller))
}

// collect reads the body of the request. What it holds of the pool is released with the
// exchange.
func collect(x *exchange, r *http.Request, limit int64) ([]byte, error) {
	length := r.ContentLength
	if length > limit {
		return nil, errBodyTooLarge(limit)
	}
	if err := x.bodies.CouldTake(x.payer, max(length, 0)); err != nil {
		return nil, err
	}
	most := limit
	if length >= 0 {
		most = length
	}
	size := min(most, firstBytes)
	share, err := x.bodies.Take(r.Context(), x.payer, size)
	if err != nil {
		return nil, err
	}
	x.body = share
	c := &collector{r: r, c: http.NewResponseController(x), limit: limit, share: share, start: time.Now(), stall: stallOf(x)}
	forget := context.AfterFunc(r.Context(), func() { _ = c.c.SetReadDeadline(time.Now()) })
	defer forget()
	body, err := c.read(make([]byte, 0, size), most)
	switch {
	case err == nil:
		// The connection is watched from here on, to see the caller leave.
		_ = c.c.SetReadDeadline(time.Time{})
		x.whole = true
		isWhole(r.Context())
		return body, nil
	case errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(c.end): // of which the server thinks that the caller left
		return nil, withStatus(http.StatusRequestTimeout, fault.New(fault.Invalid, "the body came too slowly: it has %s, and a second more for each %s",
			c.stall, bounds.Bytes(bounds.SlowestRate)).By(fault.PartyCaller))
	case r.Context().Err() != nil:
		return nil, context.Cause(r.Context())
	case fault.Is(err, fault.RateLimited), fault.Is(err, fault.Invalid):
		return nil, err
	}
	return nil, malformed("", "the body cannot be read: %w", err)
}

// read reads on until the end of the body, which has most bytes at most.
func (c *collector) read(buf []byte, most int64) ([]byte, error) {
	c.deadline(0)
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
			c.deadline(int64(len(buf)))
			continue
		}
		if full { // nothing may be left
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

// deadline gives the rest of the body the time that a body has of which so much has come.
func (c *collector) deadline(came int64) {
	c.end = c.start.Add(c.stall + time.Duration(came)*time.Second/bounds.SlowestRate)
	_ = c.c.SetReadDeadline(c.end)
	if c.r.Context().Err() != nil { // asked after: the end of the context sets one too
		_ = c.c.SetReadDeadline(time.Now())
	}
}
