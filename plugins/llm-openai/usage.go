package openaillm

import (
	"encoding/json"

	"github.com/botyard/botyard/sdk/chat"
)

// counts are the counts of tokens in both APIs, and in the fields of other servers.
type counts struct {
	PromptTokens     count `json:"prompt_tokens"`
	CompletionTokens count `json:"completion_tokens"`
	InputTokens      count `json:"input_tokens"`
	OutputTokens     count `json:"output_tokens"`
	TotalTokens      count `json:"total_tokens"`

	PromptDetails     inputDetails  `json:"prompt_tokens_details"`
	InputDetails      inputDetails  `json:"input_tokens_details"`
	CompletionDetails outputDetails `json:"completion_tokens_details"`
	OutputDetails     outputDetails `json:"output_tokens_details"`

	CacheHits count `json:"prompt_cache_hit_tokens"` // DeepSeek
	Cached    count `json:"cached_tokens"`           // Moonshot
	Reasoning count `json:"reasoning_tokens"`        // Perplexity and others
}

type inputDetails struct {
	Cached     count `json:"cached_tokens"`
	CacheWrite count `json:"cache_write_tokens"`
	Audio      count `json:"audio_tokens"`
	Image      count `json:"image_tokens"`
}

type outputDetails struct {
	Reasoning count `json:"reasoning_tokens"`
	Audio     count `json:"audio_tokens"`
	Image     count `json:"image_tokens"`
	Accepted  count `json:"accepted_prediction_tokens"`
	Rejected  count `json:"rejected_prediction_tokens"`
}

// count is a number from zero up. Whatever else a server sends counts as zero.
type count int64

// maxCount bounds a count, so that sums do not overflow.
const maxCount = 1 << 40

// UnmarshalJSON implements json.Unmarshaler. It never fails.
func (c *count) UnmarshalJSON(text []byte) error {
	var n float64
	if json.Unmarshal(text, &n) == nil && n > 0 {
		*c = count(min(n, maxCount))
	}
	return nil
}

// usageOf returns the usage in a JSON text. It returns nil if the text has no counts.
func usageOf(text string) *chat.Usage {
	var c counts
	if text == "" || text == "null" || json.Unmarshal([]byte(text), &c) != nil {
		return nil
	}
	u := chat.Usage{
		InputTokens:       int64(max(c.PromptTokens, c.InputTokens)),
		OutputTokens:      int64(max(c.CompletionTokens, c.OutputTokens)),
		CachedInputTokens: int64(max(c.PromptDetails.Cached, c.InputDetails.Cached, c.CacheHits, c.Cached)),
		CacheWriteTokens:  int64(max(c.PromptDetails.CacheWrite, c.InputDetails.CacheWrite)),
		ReasoningTokens:   int64(max(c.CompletionDetails.Reasoning, c.OutputDetails.Reasoning, c.Reasoning)),
	}
	if u.InputTokens == 0 && u.OutputTokens == 0 {
		return nil
	}
	// Some servers, such as those of Google and xAI, do not count the reasoning in the output.
	if apart := int64(c.TotalTokens) - u.InputTokens - u.OutputTokens; u.ReasoningTokens > 0 && (apart == u.ReasoningTokens || u.ReasoningTokens > u.OutputTokens) {
		u.OutputTokens += u.ReasoningTokens
	}
	u.CachedInputTokens = min(u.CachedInputTokens, u.InputTokens)
	u.CacheWriteTokens = min(u.CacheWriteTokens, u.InputTokens-u.CachedInputTokens)
	for name, n := range map[string]count{
		"input_audio_tokens": max(c.PromptDetails.Audio, c.InputDetails.Audio), "input_image_tokens": max(c.PromptDetails.Image, c.InputDetails.Image),
		"output_audio_tokens": max(c.CompletionDetails.Audio, c.OutputDetails.Audio), "output_image_tokens": max(c.CompletionDetails.Image, c.OutputDetails.Image),
		"accepted_prediction_tokens": c.CompletionDetails.Accepted, "rejected_prediction_tokens": c.CompletionDetails.Rejected,
	} {
		if n > 0 {
			if u.Details == nil {
				u.Details = map[string]int64{}
			}
			u.Details[name] = int64(n)
		}
	}
	return &u
}
