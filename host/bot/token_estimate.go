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
	// asciiTokens and otherTokens are about how many tokens a character of a text has. A word of English
	// has about four characters a token. Other scripts have between one and three.
	asciiTokens = 0.25
	otherTokens = 0.75
	// messageTokens is what each message has beside its parts, and mediaTokens what a medium has. Models
	// differ much in media.
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

func (r *tokenRatio) value() float64 {
	if bits := r.bits.Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	return 1
}

// observe counts a request. estimated has the tokens before any correction. If two calls are made at the
// same time, one may be lost.
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

// minObserved is the least estimate that says something about the ratio. In shorter requests, what the
// provider adds itself counts for too much.
const minObserved = 64
