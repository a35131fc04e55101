package bot

import (
	"strings"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
)

// maxModelBytes bounds a model's name, as the provider gives it.
const maxModelBytes = 256

// said is the door through which all passes that plugins say in a turn, before it is
// shown, given to the model, kept or recorded. What no storage can keep is replaced in it, so
// that what is shown is what is kept.
type said struct{ text, reasoning chat.Cleaner }

// delta cleans the next piece of a reply.
func (s *said) delta(d llm.Delta) llm.Delta {
	d.Text, d.Reasoning, d.Usage = s.text.Next(d.Text), s.reasoning.Next(d.Reasoning), cleanUsage(d.Usage)
	if len(d.ToolCalls) == 0 {
		return d
	}
	calls := make([]chat.ToolCall, len(d.ToolCalls))
	for i, c := range d.ToolCalls {
		calls[i] = c.Clean()
	}
	d.ToolCalls = calls
	return d
}

// rest is what of a reply waited for more, when there is no more.
func (s *said) rest() llm.Delta {
	return llm.Delta{Text: s.text.Rest(), Reasoning: s.reasoning.Rest()}
}

// cleanFinish cleans the end of a reply; nil stays nil.
func cleanFinish(f *llm.Finish) *llm.Finish {
	if f == nil {
		return nil
	}
	out := *f
	out.Model, out.Usage = brief(f.Model, maxModelBytes), cleanUsage(f.Usage)
	return &out
}

// cleanMessages cleans what is given to the model.
func cleanMessages(messages []chat.Message) []chat.Message {
	out := make([]chat.Message, len(messages))
	for i, m := range messages {
		out[i] = m.Clean()
	}
	return out
}

// cleanUsage has no counts below 0.
func cleanUsage(u chat.Usage) chat.Usage {
	return chat.Usage{
		InputTokens: max(u.InputTokens, 0), OutputTokens: max(u.OutputTokens, 0),
		CachedInputTokens: max(u.CachedInputTokens, 0), ReasoningTokens: max(u.ReasoningTokens, 0),
	}
}

// reason is why a turn did not succeed, as it is kept.
func reason(class fault.Class, sentence string) string {
	return brief(class.String()+": "+sentence, sdk.MaxReasonBytes)
}

// brief is the text, clean and of at most so many bytes.
func brief(text string, most int) string {
	text = chat.Clean(text)
	if len(text) <= most {
		return text
	}
	const more = "…"
	return strings.ToValidUTF8(text[:most-len(more)], "") + more
}

// heard is what is wrong with a storage's answer to Begin; nil for nothing.
func heard(r *storage.BeginResult) error {
	says := 0
	if r != nil {
		for _, one := range []bool{r.Started != nil, r.Replay != nil, r.Busy != nil, r.KeyReused} {
			if one {
				says++
			}
		}
	}
	switch {
	case says != 1:
		return nonsense("answered Begin with %d outcomes, and not with one", says)
	case r.Started != nil && r.Started.Fence == "":
		return nonsense("began a turn without a fence")
	case r.Replay != nil && (r.Replay.State != storage.Succeeded || r.Replay.Number < 1):
		return nonsense("replayed a turn that did not succeed")
	}
	return nil
}

func nonsense(format string, args ...any) error {
	return fault.New(fault.Internal, "the storage "+format, args...).By(fault.PartyPlugin)
}
