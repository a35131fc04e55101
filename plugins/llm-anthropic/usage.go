package anthropic

import (
	"encoding/json"
	"maps"
	"math"

	"github.com/botyard/botyard/sdk/chat"
)

// usage has the counts that the server sent, by their names. The names of nested counts are joined by dots.
type usage map[string]int64

// Bounds of what is taken of the counts that a server sends.
const (
	maxCounts     = 4 * chat.MaxUsageDetails
	maxCountDepth = 3
	maxCount      = math.MaxInt64 / 4 // so that sums of counts fit
)

// The counts that have a place of their own in chat.Usage.
const (
	inputCount      = "input_tokens"
	outputCount     = "output_tokens"
	cacheReadCount  = "cache_read_input_tokens"
	cacheWriteCount = "cache_creation_input_tokens"
	thinkingCount   = "output_tokens_details.thinking_tokens"
)

// add takes the counts of an event. They are sums of the whole reply so far, and replace earlier ones. A
// count that is missing or null stays.
func (u usage) add(text json.RawMessage) {
	var counts map[string]any
	if json.Unmarshal(text, &counts) == nil {
		u.addNested("", counts, 1)
	}
}

func (u usage) addNested(prefix string, counts map[string]any, depth int) {
	for name, value := range counts {
		name = prefix + name
		switch v := value.(type) {
		case float64:
			if _, known := u[name]; (known || len(u) < maxCounts) && len(name) <= chat.MaxUsageDetailBytes {
				u[name] = int64(min(max(v, 0), maxCount))
			}
		case map[string]any:
			if depth < maxCountDepth {
				u.addNested(name+".", v, depth+1)
			}
		}
	}
}

// chat returns the counts in the protocol's form. The server's input_tokens are those that are neither
// read from the cache nor written to it.
func (u usage) chat() chat.Usage {
	out := chat.Usage{
		OutputTokens: u[outputCount], CachedInputTokens: u[cacheReadCount], CacheWriteTokens: u[cacheWriteCount],
		ReasoningTokens: min(u[thinkingCount], u[outputCount]),
	}
	out.InputTokens = u[inputCount] + out.CachedInputTokens + out.CacheWriteTokens
	details := maps.Clone(u)
	for _, known := range []string{inputCount, outputCount, cacheReadCount, cacheWriteCount, thinkingCount} {
		delete(details, known)
	}
	maps.DeleteFunc(details, func(_ string, n int64) bool { return n == 0 })
	if len(details) > 0 {
		out.Details = details
	}
	return out.Bounded()
}
