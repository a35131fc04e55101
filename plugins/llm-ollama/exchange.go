package ollama

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// exchange is what was seen of one request's answer. Only the goroutine that makes
// the request writes and reads it.
type exchange struct {
	bounds      bounds
	status      int // 0: no answer
	contentType string
	retryAfter  time.Duration
	broke       error // what ended the body before its end
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

// maxRetryAfter bounds when a server may say to come again.
const maxRetryAfter = 24 * time.Hour

// parseRetryAfter reads seconds or a date; 0 is neither or past.
func parseRetryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(s, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(s); err == nil && at.After(now) {
		return min(at.Sub(now).Round(time.Second), maxRetryAfter)
	}
	return 0
}
