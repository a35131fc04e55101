package upstream

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter is the longest time that a Response takes from a header.
const maxRetryAfter = 24 * time.Hour

// retryAfter returns how long the server asks to wait before a retry, at most maxRetryAfter. The header
// Retry-After-Ms has milliseconds. Without it, the header Retry-After has seconds or a date. retryAfter
// returns 0 for a date in the past, and without a valid header.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if d := durationOf(h.Get("Retry-After-Ms"), time.Millisecond); d > 0 {
		return d
	}
	text := h.Get("Retry-After")
	if d := durationOf(text, time.Second); d > 0 {
		return d
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now).Round(time.Second), maxRetryAfter)
	}
	return 0
}

// durationOf returns the duration of a number of units, at most maxRetryAfter. It returns 0 for a text
// that is no positive number.
func durationOf(text string, unit time.Duration) time.Duration {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || n <= 0 {
		return 0
	}
	if n > float64(maxRetryAfter/unit) {
		return maxRetryAfter
	}
	return time.Duration(n * float64(unit))
}
