package sqlitestore

import (
	"math/rand/v2"
	"time"
)

// retryBusy calls f again and again while f fails because another session has a lock. It gives up
// after lockTimeout. SQLite's own wait is not used, because it sleeps up to 100 ms, which is much
// longer than a commit takes.
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
