package echo

import (
	"unicode"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/llm"
)

// fillers are the tokens of a reply with a configured number of tokens. Neighbours differ, so that a test
// can see a lost or swapped token.
var fillers = [...]string{"zero ", "one ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine "}

// tokens is a reply that is cut into tokens one by one.
type tokens struct {
	thought string // the rest of the reasoning, which comes before everything else
	fillers int    // number of filler tokens of the reply; 0 if the reply is text
	at      int
	parts   []chat.Part // parts before the text, each of which counts as a token
	calls   bool        // the parts are calls of tools that the request asked for
	text    string
}

// tokens returns the reply to a request, before its first token. It returns an error for a response
// format that the plugin cannot make.
func (e *Echo) tokens(cfg *Config, req *llm.Request) (tokens, error) {
	t := tokens{thought: reasoning(cfg.Reasoning, req.Messages)}
	calls := toolCalls(req)
	var err error
	switch {
	case cfg.Tokens > 0:
		t.fillers = cfg.Tokens
	case len(e.parts) > 0:
		t.parts = e.parts
	case len(calls) > 0:
		t.parts, t.calls = calls, true
	case cfg.Reply != "":
		t.text = cfg.Reply
	case cfg.ShowRequest:
		t.text = show(req.Messages)
	default:
		t.text, err = structured(req.ResponseFormat, compose(req.Messages))
	}
	return t, err
}

// more reports whether the reply has another token.
func (t *tokens) more() bool {
	return t.at < t.fillers || len(t.parts) > 0 || t.text != "" || t.thought != ""
}

// next removes the next token from the reply and returns it. The token shares memory with the reply.
func (t *tokens) next() llm.Delta {
	if t.thought != "" {
		return llm.Reasoning(cutWord(&t.thought))
	}
	if t.fillers > 0 {
		token := fillers[t.at%len(fillers)]
		t.at++
		return llm.Text(token)
	}
	if len(t.parts) > 0 {
		part := t.parts[0]
		t.parts = t.parts[1:]
		return llm.Delta{Part: part, Begins: true}
	}
	return llm.Text(cutWord(&t.text))
}

// cutWord removes the first token from the text and returns it. The token is a word with the white
// space after it.
func cutWord(text *string) string {
	end := wordEnd(*text)
	token := (*text)[:end]
	*text = (*text)[end:]
	return token
}

// wordEnd returns the index after the first word and the white space that follows it. White space before
// the word belongs to the word.
func wordEnd(s string) int {
	seenWord, seenSpace := false, false
	for i, r := range s {
		if unicode.IsSpace(r) {
			seenSpace = seenWord
		} else if seenSpace {
			return i
		} else {
			seenWord = true
		}
	}
	return len(s)
}

func countMessages(messages []chat.Message) int64 {
	var n int64
	for _, m := range messages {
		for _, p := range m.Parts {
			n += countWords(p.Text)
		}
	}
	return n
}

func countWords(s string) int64 {
	var n int64
	inWord := false
	for _, r := range s {
		space := unicode.IsSpace(r)
		if !space && !inWord {
			n++
		}
		inWord = !space
	}
	return n
}
