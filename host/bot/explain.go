package bot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/memory"
)

// replacement names a part of an earlier message that the host replaced or left out for the model. It
// is a part of a turn's record.
type replacement struct {
	Message int `json:"message"` // index among the earlier messages that adapt got, from 0
	// Part has the index of the part in its message, from 0. For a part in the result of a tool, the
	// index of that part in the result follows.
	Part []int  `json:"part"`
	What string `json:"what"` // JSON key of the field of replacedParts that counts the part
}

// recalledSource says where an item of the memory is from. It is a part of a turn's record.
type recalledSource struct {
	Turn    int64  `json:"turn,omitempty"`    // number of a turn
	Of      string `json:"of,omitempty"`      // conversation of the turn, if it is another one
	Summary []int  `json:"summary,omitempty"` // numbers of the first and the last turn that it sums up
	Fact    string `json:"fact,omitempty"`    // kind of a fact
}

// maxExplained is how many replacements a record has at most, and how many sources. maxSourceBytes is
// the greatest length of a text in a source, in bytes.
const (
	maxExplained   = 64
	maxSourceBytes = 64
)

// sourceOf returns the source of the item. It is empty if the memory names none.
func sourceOf(item memory.Item) (s recalledSource) {
	switch {
	case item.Turn != nil:
		s.Turn, s.Of = item.Turn.Number, cleanText(item.Turn.Conversation, maxSourceBytes)
	case item.Summary != nil:
		s.Summary = []int{int(item.Summary.From), int(item.Summary.To)}
	case item.Fact != nil:
		s.Fact = cleanText(item.Fact.Kind, maxSourceBytes)
	}
	return s
}

// String returns the source in words, for the gaps of an Inspection.
func (s recalledSource) String() string {
	switch {
	case s.Turn > 0 && s.Of != "":
		return fmt.Sprintf("turn %d of the conversation %q", s.Turn, s.Of)
	case s.Turn > 0:
		return fmt.Sprintf("turn %d", s.Turn)
	case len(s.Summary) == 2:
		return fmt.Sprintf("a summary of the turns %d to %d", s.Summary[0], s.Summary[1])
	case s.Fact != "":
		return fmt.Sprintf("a fact (%s)", s.Fact)
	}
	return "a source that the memory does not name"
}

// total returns how many parts of messages adapt has replaced or left out. It does not count calls and
// results of tools, which pairCalls leaves out. r may be nil.
func (r *replacedParts) total() int {
	if r == nil {
		return 0
	}
	return r.Media + r.Reasoning + r.Refusals + r.Other + r.ProviderStates + r.Unknown
}

// repeatAdapt repeats the record's replacements, and returns the earlier messages as the model was shown
// them. It does not change the given messages. missing is how many of the oldest earlier messages are
// not among them, because the log does not have them any more.
func repeatAdapt(messages []chat.Message, replacements []replacement, missing int) []chat.Message {
	of := map[int][]replacement{}
	for _, r := range replacements {
		of[r.Message-missing] = append(of[r.Message-missing], r)
	}
	var out []chat.Message
	for i, m := range messages {
		if len(of[i]) > 0 {
			if m.Parts = repeatParts(m.Parts, of[i], 0); len(m.Parts) == 0 {
				continue
			}
		}
		out = append(out, m)
	}
	return out
}

// repeatParts returns the parts as the model was shown them. level is 0 for the parts of a message, and
// 1 for the parts in the result of a tool: replacement.Part has the index of the part at that level.
func repeatParts(parts []chat.Part, replacements []replacement, level int) (out []chat.Part) {
	for i, p := range parts {
		keep, inner := true, []replacement(nil)
		for _, r := range replacements {
			if len(r.Part) <= level || r.Part[level] != i {
				continue
			}
			if len(r.Part) > level+1 {
				inner = append(inner, r)
				continue
			}
			switch {
			case r.What == "media" && p.Media != nil:
				p = chat.Part{Text: mediaNote(p.Media)}
			case r.What == "refusals" && p.Refusal != nil:
				p = chat.Part{Text: p.Refusal.Text}
			case r.What == "provider_states":
				p.State = nil
			case r.What == "reasoning" || r.What == "other" || r.What == "unknown":
				keep = false
			}
		}
		if len(inner) > 0 && p.ToolResult != nil {
			result := *p.ToolResult
			result.Parts = repeatParts(result.Parts, inner, level+1)
			p.ToolResult = &result
		}
		if keep {
			out = append(out, p)
		}
	}
	return out
}

// repeatPairs leaves out the same calls and results of tools as the turn did: results whose call is not
// in the tail, and calls without a result. If lastIsOpen is true, the last message keeps its calls.
func repeatPairs(tail []chat.Message, lastIsOpen bool) []chat.Message {
	calls := map[string]bool{}
	kept := make([]chat.Message, 0, len(tail))
	for _, m := range tail {
		if m, ok := withoutCutResults(m, calls); ok {
			kept = append(kept, m)
		}
	}
	return pairCalls(kept, lastIsOpen).messages
}

// leftOut returns a sentence for each reason why the model was not shown messages or parts, or was shown
// something else.
func (r *record) leftOut() (notes []string) {
	add := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if r.OlderLeftOut {
		add("older messages were left out, because a model is shown a bounded number of bytes")
	}
	if r.Retracted > 0 {
		add("%d items of the memory were left out, because their turns were taken back", r.Retracted)
	}
	if c := r.Context; c.leavesOut() {
		why := fmt.Sprintf("the model takes %d tokens, of which %d are kept free for the reply", c.Tokens, c.Reply)
		if c.Refused > 0 {
			why = "the provider said that they are too long"
		}
		add("the oldest %d messages, of %d turns, were left out: %s; about %d tokens were sent (an estimate)", c.LeftOut, c.LeftOutTurns, why, c.Input)
	}
	if p := r.Replaced; p != nil && p.ToolCalls+p.ToolResults > 0 {
		add("%d calls of tools without a result and %d results without their call were left out", p.ToolCalls, p.ToolResults)
	}
	for _, x := range r.Replacements {
		where := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(x.Part)), "."), "[]")
		what := map[string]string{
			"media": "a note took the place of a medium", "reasoning": "reasoning was left out", "refusals": "the text of a refusal took its place",
			"other": "a part that only its provider understands was left out", "provider_states": "the state of another provider was left out",
			"unknown": "a part of an unknown kind was left out",
		}[x.What]
		if what != "" {
			add("earlier message %d, part %s: %s", x.Message, where, what)
		}
	}
	return notes
}

// sources returns in one text where the recalled messages are from.
func (r *record) sources() string {
	var all []string
	for _, s := range r.Sources {
		all = append(all, s.String())
	}
	if left := r.Recalled - len(all); left > 0 {
		all = append(all, fmt.Sprintf("%d more", left))
	}
	return strings.Join(slices.Compact(all), ", ")
}
