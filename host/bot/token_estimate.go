package bot

import (
	"math"
	"sync/atomic"
	"unicode/utf8"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// The host has no tokenizers of models. It estimates the tokens of texts, and corrects its estimates by
// what the provider has billed for earlier requests.
const (
	// asciiTokens is the estimate for an ASCII character: English text has about four characters per
	// token. otherTokens is the estimate for each other character: other scripts have one to three
	// characters per token.
	asciiTokens = 0.25
	otherTokens = 0.75
	// messageTokens is the estimate for each message beside its parts. mediaTokens is the estimate for a
	// medium, which models count very differently.
	messageTokens = 4
	mediaTokens   = 1600
)

// textTokens returns an estimate of the tokens of a text.
func textTokens[T ~string | ~[]byte](text T) float64 {
	ascii, other := 0, 0
	for i := range len(text) {
		switch c := text[i]; {
		case c < utf8.RuneSelf:
			ascii++
		case utf8.RuneStart(c):
			other++
		}
	}
	return asciiTokens*float64(ascii) + otherTokens*float64(other)
}

// partTokens returns an estimate of the tokens of the parts.
func partTokens(parts []chat.Part) (tokens float64) {
	for i := range parts {
		p := &parts[i]
		tokens += textTokens(p.Text)
		switch p.Kind() {
		case chat.KindMedia:
			tokens += mediaTokens
		case chat.KindReasoning:
			tokens += textTokens(p.Reasoning.Text)
		case chat.KindRefusal:
			tokens += textTokens(p.Refusal.Text)
		case chat.KindToolCall:
			tokens += messageTokens + textTokens(p.ToolCall.Name) + textTokens(p.ToolCall.Arguments)
		case chat.KindToolResult:
			tokens += messageTokens + partTokens(p.ToolResult.Parts) + textTokens(p.ToolResult.Structured)
		case chat.KindOther:
			tokens += textTokens(p.Other.Data)
		}
	}
	return tokens
}

// messagesTokens returns an estimate of the tokens of the messages.
func messagesTokens(messages []chat.Message) (tokens float64) {
	for i := range messages {
		tokens += messageTokens + partTokens(messages[i].Parts)
	}
	return tokens
}

// countMedia returns how many media the messages have.
func countMedia(messages []chat.Message) (n int) {
	for i := range messages {
		n += countMediaParts(messages[i].Parts)
	}
	return n
}

func countMediaParts(parts []chat.Part) (n int) {
	for i := range parts {
		switch p := &parts[i]; p.Kind() {
		case chat.KindMedia:
			n++
		case chat.KindToolResult:
			n += countMediaParts(p.ToolResult.Parts)
		}
	}
	return n
}

// toolsTokens returns an estimate of the tokens of the tools of a request.
func toolsTokens(tools []llm.Tool) (tokens float64) {
	for _, t := range tools {
		tokens += messageTokens + textTokens(t.Name) + textTokens(t.Description) + textTokens(t.Parameters)
	}
	return tokens
}

// tokenRatio is the ratio of the tokens that a provider bills to those that the host estimates: a moving
// mean over the requests of a bot to one model, between minRatio and maxRatio. It is 1 until the first
// request was billed. It is safe for concurrent use.
type tokenRatio struct{ bits atomic.Uint64 }

const (
	minRatio, maxRatio = 0.4, 2.5
	ratioWeight        = 0.3 // of the newest request
)

// value returns the ratio. An estimate times the ratio is the corrected estimate.
func (r *tokenRatio) value() float64 {
	if bits := r.bits.Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	return 1
}

// observe adds a request to the mean. billed is what the provider reports for its input, and estimated is
// the host's estimate without the correction. observe ignores a request without billed tokens, and one
// with an estimate below minObserved. If two calls run at the same time, one of them may have no effect.
func (r *tokenRatio) observe(billed int64, estimated float64) {
	if billed <= 0 || estimated < minObserved {
		return
	}
	is := min(max(float64(billed)/estimated, minRatio), maxRatio)
	if r.bits.Load() != 0 {
		is = (1-ratioWeight)*r.value() + ratioWeight*is
	}
	r.bits.Store(math.Float64bits(is))
}

// minObserved is the smallest estimate from which the ratio is learned, in tokens. In shorter requests,
// the tokens that the provider itself adds would distort the ratio.
const minObserved = 64
