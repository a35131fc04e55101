package echo

import (
	"context"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

func TestEcho_Check(t *testing.T) {
	at := 0
	for name, c := range map[string]struct {
		cfg   Config
		class fault.Class
		fails bool
	}{
		"fine":                     {Config{}, 0, false},
		"fails":                    {Config{Fail: &Fail{Class: "unauthenticated"}}, fault.Unauthenticated, true},
		"would fail the next time": {Config{Fail: &Fail{Class: "rate_limited", Times: 1}}, fault.RateLimited, true},
		"hangs":                    {Config{HangAfterTokens: &at}, fault.Deadline, true},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := New(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			for range 2 { // a check is no call that fail.times counts
				if err := e.Check(ctx); (err != nil) != c.fails || c.fails && !fault.Is(err, c.class) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
}
