package memstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// fence returns the text that Begin returns and that the caller passes to Commit. The text names
// the Store, the incarnation of the conversation, and the turn.
func (s *Store) fence(c *conversation, t *turn) string {
	return fmt.Sprintf("%s.%d.%d", s.storeID, c.incarnation, t.Sequence)
}

// turnOf returns the turn of c that the fence names. It returns fault.Conflict if the fence is not
// valid for any turn of c. c may be nil.
func (s *Store) turnOf(fence string, c *conversation) (*turn, error) {
	stale := fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
	if c == nil {
		return nil, stale
	}
	rest, ok := strings.CutPrefix(fence, fmt.Sprintf("%s.%d.", s.storeID, c.incarnation))
	if !ok {
		return nil, stale
	}
	n, err := strconv.ParseUint(rest, 10, 63)
	if err != nil || n < 1 || n > uint64(len(c.turns)) || c.turns[n-1].fenced {
		return nil, stale
	}
	return c.turns[n-1], nil
}
