package ollama

import (
	"strconv"
	"testing"
	"time"
)

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for s, want := range map[string]time.Duration{
		"": 0, "0": 0, "12": 12 * time.Second, "-1": 0, "soon": 0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		t.Run(strconv.Quote(s), func(t *testing.T) {
			if got := parseRetryAfter(s, now); got != want {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}
