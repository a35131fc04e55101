package pgstore

import (
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// complainEvery is how often the log repeats that a call gets the same answer.
const complainEvery = time.Minute

// maxAnswers is how many answers are told apart at once, and maxSaid how much of an error is
// written.
const (
	maxAnswers = 100
	maxSaid    = 2 << 10
)

// complaints writes failures to the log: one when its answer is new, and then at most one
// of each answer in complainEvery. While the database is down every call fails.
type complaints struct {
	log hclog.Logger
	now func() time.Time
	mu  sync.Mutex
	of  map[string]*complaint // by answer
}

type complaint struct {
	at      time.Time // of the newest line
	leftOut int       // since then
}

func newComplaints(log hclog.Logger) *complaints {
	return &complaints{log: log, now: time.Now, of: map[string]*complaint{}}
}

// add says that a call was answered so, for that reason.
func (c *complaints) add(what, answered string, err error) {
	leftOut, ok := c.due(what + answered)
	if !ok {
		return
	}
	args := []any{"answered", answered, "error", oneLine(err)}
	if leftOut > 0 {
		args = append(args, "left_out", leftOut)
	}
	c.log.Warn(what, args...)
}

// due reports whether it is time for a line, and how many were left out before it.
func (c *complaints) due(answer string) (leftOut int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	known := c.of[answer]
	if known != nil && now.Sub(known.at) < complainEvery {
		known.leftOut++
		return 0, false
	}
	if known != nil {
		leftOut = known.leftOut
	}
	for other, is := range c.of { // so that there are no more than the answers of a while
		if is.leftOut == 0 && now.Sub(is.at) >= complainEvery {
			delete(c.of, other)
		}
	}
	if known == nil && len(c.of) >= maxAnswers {
		return 0, false // a server makes up answers
	}
	c.of[answer] = &complaint{at: now}
	return leftOut, true
}

// oneLine is the error's text without its line breaks: the driver puts each address
// that it tried in a line. What is long is cut.
func oneLine(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	if len(text) > maxSaid {
		text = strings.ToValidUTF8(text[:maxSaid], "") + "..."
	}
	return text
}
