package anthropic

import (
	"encoding/json"
	"maps"
	"math"

	"github.com/botyard/botyard/sdk/chat"
)

// usage maps the names of the counts that the server sent to their values. The name of a nested count
// is its path, joined by dots.
type usage map[string]int64

// Bounds of the counts that the plugin takes from a server.
const (
	maxCounts     = 4 * chat.MaxUsageDetails
	maxCountDepth = 3
	maxCount      = math.MaxInt64 / 4 // so that sums of counts do not overflow
)

// The counts that have a field of their own in chat.Usage.
const (
	inputCount      = "input_tokens"
	outputCount     = "output_tokens"
	cacheReadCount  = "cache_read_input_tokens"
	cacheWriteCount = "cache_creation_input_tokens"
	thinkingCount   = "output_tokens_details.thinking_tokens"
)

// add adds the counts in the JSON text of an event. They are totals of the reply so far, and replace
// earlier ones. A count that is missing or null does not change.
func (u usage) add(text json.RawMessage) {
	var counts map[string]any
	if json.Unmarshal(text, &counts) == nil {
		u.addNested("", counts, 1)
	}
}

// addNested adds the counts of an object whose path is prefix. It ignores objects that are nested too
// deep.
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

// chat returns the counts in the form of the protocol. The server's input_tokens leave out the tokens
// that it read from its cache or wrote to it, so chat adds them.
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
