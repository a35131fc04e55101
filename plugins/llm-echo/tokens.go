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
	fillers int // number of filler tokens of the reply; 0 if the reply is text
	at      int
	parts   []chat.Part // parts before the text, each of which counts as a token
	calls   bool        // the parts are calls of tools that the request asked for
	text    string
}

func (e *Echo) tokens(cfg *Config, req *llm.Request) tokens {
	calls := toolCalls(req)
	switch {
	case cfg.Tokens > 0:
		return tokens{fillers: cfg.Tokens}
	case len(e.parts) > 0:
		return tokens{parts: e.parts}
	case len(calls) > 0:
		return tokens{parts: calls, calls: true}
	case cfg.Reply != "":
		return tokens{text: cfg.Reply}
	case cfg.ShowRequest:
		return tokens{text: show(req.Messages)}
	}
	return tokens{text: compose(req.Messages)}
}

func (t *tokens) more() bool { return t.at < t.fillers || len(t.parts) > 0 || t.text != "" }

// next removes the next token from the reply and returns it. The token shares memory with the reply.
func (t *tokens) next() llm.Delta {
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
	end := wordEnd(t.text)
	token := t.text[:end]
	t.text = t.text[end:]
	return llm.Text(token)
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
