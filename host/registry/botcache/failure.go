package botcache

import (
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

const (
	// RetryWait is the least time between two automatic builds of one bot that fails. It
	// doubles with each failed build, up to RetryWaitMost. Without RetryWait, settings that
	// crash a plugin would be tried in a loop, each time that the plugin's process is ready
	// again.
	RetryWait = 5 * time.Second
	// RetryWaitMost is the longest time between two automatic builds of one bot that fails.
	RetryWaitMost = time.Hour
)

// failure records that the newest build of an id's bot failed, and when to build the bot again.
// It is guarded by the owner's lock.
type failure struct {
	err    error
	tried  time.Time     // time at which DueLocked last returned the id
	wait   time.Duration // how long after tried DueLocked does not return the id
	wanted bool          // RetryLocked has requested another build
}

// noteResultLocked records whether the newest build of an id failed. It ignores a build that
// was canceled, and a build whose error is Inconclusive. Locked: the owner's lock is held.
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

// FailureLocked returns the error of the newest build of the id's bot, if that build failed.
// Otherwise it returns nil. Locked: the owner's lock is held.
func (c *Cache) FailureLocked(id string) error {
	if f := c.failures[id]; f != nil {
		return f.err
	}
	return nil
}

// FailuresLocked returns the number of ids that have a failure. Locked: the owner's lock is
// held.
func (c *Cache) FailuresLocked() int { return len(c.failures) }

// RetryLocked requests another build of the failed bots of those ids for which concerns reports
// true. DueLocked returns each of these ids when its wait is over. Locked: the owner's lock is
// held.
func (c *Cache) RetryLocked(concerns func(id string) bool) {
	for id, f := range c.failures {
		if concerns(id) {
			f.wanted = true
		}
	}
}

// DueLocked returns the ids whose bots the caller must build again now, and the time after
// which the caller must call DueLocked again. DueLocked counts the returned ids as tried.
// Locked: the owner's lock is held.
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
