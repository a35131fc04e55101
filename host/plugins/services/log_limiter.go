package services

import (
	"sync"
	"time"
)

// logLimiter lets each reason be logged once a minute. The reasons are texts of this package, so
// that there are few.
type logLimiter struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// may reports whether the reason may be logged now.
func (l *logLimiter) may(reason string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.last[reason]) >= time.Minute {
		if l.last == nil {
			l.last = map[string]time.Time{}
		}
		l.last[reason] = now
		return true
	}
	return false
}
