package ollama

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// busyRetry is the time until a retry, for a busy server that sends no Retry-After.
const busyRetry = 2 * time.Second

// busy returns the error for a server that works but accepts no more calls at this moment.
func (m *Model) busy(err error, seen *exchange, said string) *fault.Error {
	f := fault.New(fault.RateLimited, "the Ollama server at %s takes no more calls for now: %s", m.address(), said).By(fault.PartyProvider)
	f.Err = err
	return f.After(cmp.Or(seen.retryAfter, busyRetry)).Upstream(seen.status)
}

// busyWords are parts of the messages with which a working server refuses a call. Ollama sends status 503
// with "server busy, please try again.  maximum pending requests exceeded" when more than OLLAMA_MAX_QUEUE
// requests wait. A runner of Ollama sends status 500 with "llm busy - no slots available". Ollama's cloud
// complains about too many calls, sometimes as a line of a stream. A proxy may turn these messages into
// plain text.
var busyWords = []string{
	"server busy", "maximum pending requests", "llm busy", "no slots available", "too many concurrent requests", "too many requests", "overloaded",
}

func isBusy(said string) bool {
	said = strings.ToLower(said)
	return slices.ContainsFunc(busyWords, func(words string) bool { return strings.Contains(said, words) })
}
