package sqlitestore

import (
	"math/rand/v2"
	"time"
)

// retryBusy repeats f while another process holds the lock that it needs, for up to
// lockTimeout. SQLite's own wait would sleep up to 100 ms, much longer than a commit takes.
func retryBusy(f func() error) error {
	giveUp := time.Now().Add(lockTimeout)
	for wait := 100 * time.Microsecond; ; wait = min(2*wait, 4*time.Millisecond) {
		err := f()
		if err == nil || !busy(err) || time.Now().After(giveUp) {
			return err
		}
		time.Sleep(wait/2 + rand.N(wait))
	}
}
