package memstore

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/botyard/botyard/sdk/fault"
)

// fence is what Commit must bring: the Store and the life of the conversation
// that the turn was begun in, and the turn.
func (s *Store) fence(c *conversation, t *turn) string {
	return fmt.Sprintf("%s.%d.%d", s.origin, c.life, t.Sequence)
}

// behind finds the turn that the fence stands for.
func (s *Store) behind(fence string, c *conversation) (*turn, error) {
	stale := fault.New(fault.Conflict, "the fence does not hold the conversation").At("fence")
	if c == nil {
		return nil, stale
	}
	rest, ok := strings.CutPrefix(fence, fmt.Sprintf("%s.%d.", s.origin, c.life))
	if !ok {
		return nil, stale
	}
	n, err := strconv.ParseUint(rest, 10, 63)
	if err != nil || n < 1 || n > uint64(len(c.turns)) || c.turns[n-1].overtaken {
		return nil, stale
	}
	return c.turns[n-1], nil
}
