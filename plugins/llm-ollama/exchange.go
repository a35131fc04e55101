package ollama

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// exchange records the HTTP response to one request. It belongs to the goroutine that makes the request.
type exchange struct {
	bounds      bounds
	status      int // HTTP status; 0 without a response
	contentType string
	retryAfter  time.Duration
	broke       error // error that broke off the body
}

type exchangeKey struct{}

func withExchange(ctx context.Context, b bounds) (context.Context, *exchange) {
	x := &exchange{bounds: b}
	return context.WithValue(ctx, exchangeKey{}, x), x
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

type notedBody struct {
	io.Reader
	io.Closer
	exchange *exchange
}

func (b *notedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.exchange.broke = err
	}
	return n, err
}

// maxRetryAfter is the longest time that the plugin accepts from a Retry-After header.
const maxRetryAfter = 24 * time.Hour

// parseRetryAfter returns the duration in a Retry-After header, which has seconds or a date. It returns 0
// for anything else and for a date in the past.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(s); err == nil && at.After(now) {
		return min(at.Sub(now).Round(time.Second), maxRetryAfter)
	}
	return 0
}
