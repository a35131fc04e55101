package upstream

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "0": 0, "12": 12 * time.Second, "0.5": 500 * time.Millisecond, "-1": 0, "soon": 0, "NaN": 0, "1e300": maxRetryAfter, "Inf": maxRetryAfter,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		t.Run(strconv.Quote(s), func(t *testing.T) {
			if got := retryAfter(http.Header{"Retry-After": {s}}, now); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
	both := http.Header{"Retry-After": {"2"}, "Retry-After-Ms": {"1500"}}
	if got := retryAfter(both, now); got != 1500*time.Millisecond {
		t.Errorf("with both: %v", got)
	}
}
