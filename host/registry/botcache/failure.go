package botcache

import (
	"errors"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

const (
	// RetryWait is the time between two tries of one bot that nobody asked for. It doubles
	// with each try that fails, up to RetryWaitMost. Settings that crash a plugin's process
	// have that process become ready again, and must not have the bot tried all the time.
	RetryWait = 5 * time.Second
	// RetryWaitMost is the longest time between two such tries.
	RetryWaitMost = time.Hour
)

// failure is why the bot of an id could not be built when that was last tried. It is guarded
// by the owner's lock.
type failure struct {
	err    error
	tried  time.Time     // when it was last due
	wait   time.Duration // how long after tried it may be due again
	wanted bool          // it is to be tried as soon as it has waited
}

// noteResultLocked takes down how the newest build of an id ended. A build that was given up
// says nothing. Locked: the owner's lock is held.
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

// FailureLocked returns why the bot of an id could not be built when that was last tried.
// It is nil if it could, or nobody tried. Locked: the owner's lock is held.
func (c *Cache) FailureLocked(id string) error {
	if f := c.failures[id]; f != nil {
		return f.err
	}
	return nil
}

// FailuresLocked returns how many ids have a failure. Locked: the owner's lock is held.
func (c *Cache) FailuresLocked() int { return len(c.failures) }

// RetryLocked has the failed bots of those ids tried again as soon as they have waited; see
// DueLocked. Locked: the owner's lock is held.
func (c *Cache) RetryLocked(concerns func(id string) bool) {
	for id, f := range c.failures {
		if concerns(id) {
			f.wanted = true
		}
	}
}

// DueLocked returns the ids that are to be tried now, and how long until there may be more.
// It counts them as tried: the caller acquires their bots next. Locked: the owner's lock is
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
