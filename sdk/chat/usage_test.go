package chat

import (
	"fmt"
	"strings"
	"testing"
)

func TestUsage_Add(t *testing.T) {
	a := Usage{InputTokens: 1, OutputTokens: 2, CachedInputTokens: 3, ReasoningTokens: 4, CacheWriteTokens: 5, Details: map[string]int64{"a": 1, "b": 2}}
	b := Usage{InputTokens: 10, Details: map[string]int64{"b": 3}}
	want := Usage{InputTokens: 11, OutputTokens: 2, CachedInputTokens: 3, ReasoningTokens: 4, CacheWriteTokens: 5, Details: map[string]int64{"a": 1, "b": 5}}
	if got := a.Add(b); !got.Equal(want) {
		t.Errorf("got %+v", got)
	}
	if a.Details["b"] != 2 || b.Details["b"] != 3 {
		t.Error("Add changed what it was given")
	}
	if got := b.Add(Usage{}); !got.Equal(b) {
		t.Errorf("got %+v", got)
	}
}

func TestUsage_IsZero(t *testing.T) {
	if !(Usage{}).IsZero() || (Usage{CacheWriteTokens: 1}).IsZero() || (Usage{Details: map[string]int64{"a": 0}}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

func TestUsage_Bounded(t *testing.T) {
	many := map[string]int64{strings.Repeat("x", MaxUsageDetailBytes+1): 1, "\xff": 2}
	for i := range MaxUsageDetails + 5 {
		many[fmt.Sprintf("%02d", i)] = int64(i)
	}
	got := Usage{InputTokens: 1, Details: many}.Bounded()
	if len(got.Details) != MaxUsageDetails || got.Details["31"] != 31 || got.InputTokens != 1 {
		t.Errorf("got %+v", got)
	}
	if len(many) != MaxUsageDetails+7 {
		t.Error("Bounded changed what it was given")
	}
}
