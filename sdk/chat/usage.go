package chat

import (
	"maps"
	"slices"
)

// Usage counts tokens as the provider bills them. CachedInputTokens and CacheWriteTokens are
// parts of InputTokens, and ReasoningTokens is a part of OutputTokens.
type Usage struct {
	InputTokens       int64 `json:"input_tokens"`
	OutputTokens      int64 `json:"output_tokens"`
	CachedInputTokens int64 `json:"cached_input_tokens,omitempty"`
	ReasoningTokens   int64 `json:"reasoning_tokens,omitempty"`
	CacheWriteTokens  int64 `json:"cache_write_tokens,omitempty"`
	// Details are what else the provider counts, by the provider's names. There are at most
	// MaxUsageDetails of them. A Usage that was handed over keeps its map unchanged.
	Details map[string]int64 `json:"details,omitempty"`
}

const (
	// MaxUsageDetails bounds the entries of Usage.Details.
	MaxUsageDetails = 32
	// MaxUsageDetailBytes bounds the name of an entry of Usage.Details.
	MaxUsageDetailBytes = 64
)

// IsZero reports whether nothing was counted.
func (u Usage) IsZero() bool { return u.Equal(Usage{}) }

// Equal reports whether both have the same counts.
func (u Usage) Equal(v Usage) bool {
	return u.InputTokens == v.InputTokens && u.OutputTokens == v.OutputTokens &&
		u.CachedInputTokens == v.CachedInputTokens && u.ReasoningTokens == v.ReasoningTokens &&
		u.CacheWriteTokens == v.CacheWriteTokens && maps.Equal(u.Details, v.Details)
}

// Add returns the sum of both.
func (u Usage) Add(v Usage) Usage {
	sum := Usage{
		InputTokens: u.InputTokens + v.InputTokens, OutputTokens: u.OutputTokens + v.OutputTokens,
		CachedInputTokens: u.CachedInputTokens + v.CachedInputTokens, ReasoningTokens: u.ReasoningTokens + v.ReasoningTokens,
		CacheWriteTokens: u.CacheWriteTokens + v.CacheWriteTokens,
	}
	switch {
	case len(v.Details) == 0:
		sum.Details = u.Details
	case len(u.Details) == 0:
		sum.Details = v.Details
	default:
		sum.Details = maps.Clone(u.Details)
		for name, n := range v.Details {
			sum.Details[name] += n
		}
	}
	return sum
}

// Bounded returns the Usage without the details that are beyond the bounds: those with a name
// that is too long or not clean, and, if there are too many, the greatest names.
func (u Usage) Bounded() Usage {
	fits := len(u.Details) <= MaxUsageDetails
	for name := range u.Details {
		fits = fits && len(name) <= MaxUsageDetailBytes && isClean(name)
	}
	if fits {
		return u
	}
	kept := make(map[string]int64, MaxUsageDetails)
	for _, name := range slices.Sorted(maps.Keys(u.Details)) {
		if len(kept) < MaxUsageDetails && len(name) <= MaxUsageDetailBytes && isClean(name) {
			kept[name] = u.Details[name]
		}
	}
	u.Details = kept
	return u
}
