package pgstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

// fence returns the text that Begin returns and that the caller passes to Commit. The text has the
// database id of the conversation and the turn's sequence. The database never assigns an id twice.
func fence(cid, sequence int64) string { return fmt.Sprintf("%d.%d", cid, sequence) }

// incarnation returns the incarnation of a conversation. The time of its creation distinguishes it
// from conversations of another database, and of this one before a backup was restored.
func incarnation(cid int64, created time.Time) string {
	return fmt.Sprintf("%d-%d", cid, created.UnixMicro())
}

// parseIncarnation returns what incarnation was called with.
func parseIncarnation(text string) (cid int64, created time.Time, ok bool) {
	a, b, ok := strings.Cut(text, "-")
	if !ok {
		return 0, created, false
	}
	cid, errA := strconv.ParseInt(a, 10, 64)
	micros, errB := strconv.ParseInt(b, 10, 64)
	return cid, time.UnixMicro(micros), errA == nil && errB == nil && cid > 0
}

func parseFence(fence string) (cid, sequence int64, ok bool) {
	a, b, ok := strings.Cut(fence, ".")
	if !ok {
		return 0, 0, false
	}
	cid, errA := strconv.ParseInt(a, 10, 64)
	sequence, errB := strconv.ParseInt(b, 10, 64)
	return cid, sequence, errA == nil && errB == nil && cid > 0 && sequence > 0
}

func errStale() error {
	return fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
}

func errMissing() error { return fault.New(fault.NotFound, "there is no such conversation") }

func errEnded() error {
	return fault.New(fault.Conflict, "this incarnation of the tenant was deleted")
}
