package loglimit

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestLimiter_Due checks that a line with a key is logged at once and then once in Every, and that lines
// with other keys are logged.
func TestLimiter_Due(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Limiter
		want := func(key string, leftOut int, due bool) {
			t.Helper()
			if n, ok := l.Due(key); n != leftOut || ok != due {
				t.Errorf("%s: %d, %t; want %d, %t", key, n, ok, leftOut, due)
			}
		}
		want("a", 0, true)
		want("a", 0, false)
		want("b", 0, true)
		time.Sleep(Every - time.Nanosecond)
		want("a", 0, false)
		time.Sleep(time.Nanosecond)
		want("a", 2, true)
		want("a", 0, false)
		want("b", 0, true)
		time.Sleep(10 * Every)
		want("a", 1, true)
		want("b", 0, true)
	})
}

// TestLimiter_MaxKeys checks that a Limiter remembers a bounded number of keys, and forgets those that
// were logged first.
func TestLimiter_MaxKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Limiter
		for i := range MaxKeys + 10 {
			if _, due := l.Due(fmt.Sprint(i)); !due {
				t.Errorf("the key %d is not logged", i)
			}
			time.Sleep(time.Nanosecond)
		}
		if len(l.lines) != MaxKeys {
			t.Errorf("%d keys are remembered", len(l.lines))
		}
		if _, due := l.Due(fmt.Sprint(MaxKeys + 9)); due {
			t.Error("the newest key is forgotten")
		}
		if _, due := l.Due("0"); !due {
			t.Error("the oldest key is remembered")
		}
		time.Sleep(Every)
		l.Due("new")
		if len(l.lines) != 1 {
			t.Errorf("%d keys are remembered, whose lines are due anyway", len(l.lines))
		}
	})
}
