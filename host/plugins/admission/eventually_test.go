package admission

import (
	"testing"
	"time"
)

// eventually waits until ok returns true. It fails the test if ok still returns false after
// the duration within.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}
