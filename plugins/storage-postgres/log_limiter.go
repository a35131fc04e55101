package pgstore

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// repeatAfter is how long a line that was logged is not logged again.
const repeatAfter = time.Minute

const (
	maxLimitedLines = 100     // distinct lines that are remembered at once
	maxLoggedError  = 2 << 10 // bytes of an error's text that are logged
)

// logLimiter logs failures of database calls: each distinct message once, and then at most
// once in repeatAfter. While the database is down every call fails.
type logLimiter struct {
	log   hclog.Logger
	now   func() time.Time
	mu    sync.Mutex
	lines map[string]*limitedLine // by message
}

// limitedLine is when a message was logged last.
type limitedLine struct {
	at      time.Time
	leftOut int // how often it was not logged since
}

func newLogLimiter(log hclog.Logger) *logLimiter {
	return &logLimiter{log: log, now: time.Now, lines: map[string]*limitedLine{}}
}

// warn logs that a call failed: what failed, what its caller was told, and the error. It
// logs nothing if the same was logged a moment ago.
func (l *logLimiter) warn(what, answered string, err error) {
	leftOut, ok := l.due(what + answered)
	if !ok {
		return
	}
	args := []any{"answered", answered, "error", oneLine(err)}
	if leftOut > 0 {
		args = append(args, "left_out", leftOut)
	}
	l.log.Warn(what, args...)
}

// due reports whether the message may be logged, and how often it was left out before.
func (l *logLimiter) due(message string) (leftOut int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	line := l.lines[message]
	if line != nil && now.Sub(line.at) < repeatAfter {
		line.leftOut++
		return 0, false
	}
	if line != nil {
		leftOut = line.leftOut
	}
	for other, o := range l.lines { // drop old lines
		if o.leftOut == 0 && now.Sub(o.at) >= repeatAfter {
			delete(l.lines, other)
		}
	}
	if line == nil && len(l.lines) >= maxLimitedLines {
		return 0, false // too many lines: a server can make up any number of messages
	}
	l.lines[message] = &limitedLine{at: now}
	return leftOut, true
}

// oneLine returns the error's text without line breaks, cut to maxLoggedError bytes. The
// driver writes each address that it tried on a line of its own.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > maxLoggedError {
		text = strings.ToValidUTF8(text[:maxLoggedError], "") + "..."
	}
	return text
}
