package loglimit

import (
	"sync"
	"time"
)

// Every is the shortest time between two log lines with the same key.
const Every = time.Minute

// MaxKeys is how many keys a Limiter remembers at most.
const MaxKeys = 1000

// Limiter decides which log lines are written. The zero value is ready. A Limiter is safe for concurrent
// use.
type Limiter struct {
	mu    sync.Mutex
	lines map[string]line // by key
}

// line says when the line with a key was last logged, and how many were left out since then.
type line struct {
	at      time.Time
	leftOut int
}

// Due reports whether a line with the key may be logged now: the first one, and each one that comes Every
// or longer after the last one that was logged. leftOut is how many lines with the key were left out before
// it. The key names all that makes lines differ for their reader, and no text that may be different each
// time, such as an error's. Beyond MaxKeys keys the Limiter forgets the one that was logged first.
func (l *Limiter) Due(key string) (leftOut int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	last, known := l.lines[key]
	if known && now.Sub(last.at) < Every {
		last.leftOut++
		l.lines[key] = last
		return 0, false
	}
	if l.lines == nil {
		l.lines = map[string]line{}
	}
	if !known && len(l.lines) >= MaxKeys {
		l.forgetLocked(now)
	}
	l.lines[key] = line{at: now}
	return last.leftOut, true
}

// forgetLocked forgets each key that was logged so long ago that its next line is due anyway, and at least
// the key that was logged first. Locked: mu is held.
func (l *Limiter) forgetLocked(now time.Time) {
	oldest := ""
	for key, known := range l.lines {
		if now.Sub(known.at) >= Every {
			delete(l.lines, key)
		} else if oldest == "" || known.at.Before(l.lines[oldest].at) {
			oldest = key
		}
	}
	if len(l.lines) >= MaxKeys {
		delete(l.lines, oldest)
	}
}
