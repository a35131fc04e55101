package ollama

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// busyRetry is when to come again to a server that does not say it.
const busyRetry = 2 * time.Second

// busy is of a server that is well and takes no more calls for now.
func (m *Model) busy(err error, seen *exchange, said string) *fault.Error {
	f := fault.New(fault.RateLimited, "the Ollama server at %s takes no more calls for now: %s", m.address(), said).By(fault.PartyProvider)
	f.Err = err
	return f.After(cmp.Or(seen.retryAfter, busyRetry)).Upstream(seen.status)
}

// busyWords are what Ollama and its runners say when they are well and take no more calls:
// "server busy, please try again.  maximum pending requests exceeded" when more than
// OLLAMA_MAX_QUEUE requests wait, with 503; "llm busy - no slots available" of a runner, with
// 500; and what its cloud says of too many calls, which can stand in a stream too. Proxies
// before it make plain text of them.
var busyWords = []string{
	"server busy", "maximum pending requests", "llm busy", "no slots available", "too many concurrent requests", "too many requests", "overloaded",
}

func isBusy(said string) bool {
	said = strings.ToLower(said)
	return slices.ContainsFunc(busyWords, func(words string) bool { return strings.Contains(said, words) })
}
