package botcache

import (
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

const (
	// RetryWait is the least time between two automatic tries to build one bot. It doubles with
	// each try that fails, up to RetryWaitMost. Without it, settings that crash a plugin would
	// be tried in a loop: each time the plugin's process is ready again.
	RetryWait = 5 * time.Second
	// RetryWaitMost is the longest time between two such tries.
	RetryWaitMost = time.Hour
)

// failure records that the last build of an id's bot failed, and when to try again. It is
// guarded by the owner's lock.
type failure struct {
	err    error
	tried  time.Time     // when DueLocked last returned the id
	wait   time.Duration // how long after tried DueLocked may return it again
	wanted bool          // RetryLocked asked for another try
}

// noteResultLocked records whether the newest build of an id failed. It ignores a build that was
// canceled or whose error is Inconclusive. Locked: the owner's lock is held.
func (c *Cache) noteResultLocked(id string, err error) {
	switch f := c.failures[id]; {
	case err == nil:
		delete(c.failures, id)
	case c.closed || fault.Is(err, fault.Canceled) || errors.As(err, new(*Inconclusive)):
	case f != nil:
		f.err = err
	default:
		c.failures[id] = &failure{err: err}
	}
}

// FailureLocked returns why the last build of an id's bot failed. It is nil if that build
// succeeded, or if there was none. Locked: the owner's lock is held.
func (c *Cache) FailureLocked(id string) error {
	if f := c.failures[id]; f != nil {
		return f.err
	}
	return nil
}

// FailuresLocked returns how many ids have a failure. Locked: the owner's lock is held.
func (c *Cache) FailuresLocked() int { return len(c.failures) }

// RetryLocked marks the failed bots of the ids for which concerns reports true. DueLocked returns
// them when their wait is over. Locked: the owner's lock is held.
func (c *Cache) RetryLocked(concerns func(id string) bool) {
	for id, f := range c.failures {
		if concerns(id) {
			f.wanted = true
		}
	}
}

// DueLocked returns the ids whose bots the caller has to build again now, and after what time it
// has to be called again. It counts the ids as tried. Locked: the owner's lock is
// held.
func (c *Cache) DueLocked() (ids []string, wait time.Duration) {
	now := c.o.Now()
	wait = RetryWaitMost
	for id, f := range c.failures {
		left := f.tried.Add(f.wait).Sub(now)
		switch {
		case !f.wanted:
		case left > 0:
			wait = min(wait, left)
		default:
			ids = append(ids, id)
			f.wanted, f.tried = false, now
			f.wait = min(max(2*f.wait, RetryWait), RetryWaitMost)
		}
	}
	return ids, wait
}
