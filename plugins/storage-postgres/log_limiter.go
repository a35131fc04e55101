package pgstore

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// repeatAfter is the minimum time between two log lines with the same message.
const repeatAfter = time.Minute

const (
	maxLimitedLines = 100     // number of different messages that a logLimiter remembers
	maxLoggedError  = 2 << 10 // maximum number of bytes of an error's text in the log
)

// logLimiter logs failures of database calls. It logs the same message at most once in repeatAfter,
// because every call fails while the database is down. It is safe for concurrent use.
type logLimiter struct {
	log   hclog.Logger
	now   func() time.Time
	mu    sync.Mutex
	lines map[string]*limitedLine // by message
}

// limitedLine records when a message was last logged.
type limitedLine struct {
	at      time.Time
	leftOut int // number of lines with the message that were suppressed since then
}

func newLogLimiter(log hclog.Logger) *logLimiter {
	return &logLimiter{log: log, now: time.Now, lines: map[string]*limitedLine{}}
}

// warn logs a failed call. The text what names the failed call, and answered is the message that
// the caller gets. warn logs nothing if a line with the same what and answered was logged within
// the last repeatAfter.
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

// due reports whether the message may be logged now. leftOut is the number of times that the
// message was suppressed since it was last logged.
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
	for other, o := range l.lines { // forget old messages
		if o.leftOut == 0 && now.Sub(o.at) >= repeatAfter {
			delete(l.lines, other)
		}
	}
	if line == nil && len(l.lines) >= maxLimitedLines {
		// The limiter remembers maxLimitedLines messages already. It does not log the new message,
		// because a server can send any number of different messages.
		return 0, false
	}
	l.lines[message] = &limitedLine{at: now}
	return leftOut, true
}

// oneLine returns the text of err without line breaks, cut to maxLoggedError bytes. The driver's
// text has a line for each address that it has tried.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > maxLoggedError {
		text = strings.ToValidUTF8(text[:maxLoggedError], "") + "..."
	}
	return text
}
