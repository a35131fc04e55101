package echo

import (
	"unicode"

	"github.com/botyard/botyard/sdk/chat"
)

// fillers are the tokens of a reply with a configured number of tokens. Neighbours differ, so that a test
// can see a lost or swapped token.
var fillers = [...]string{"zero ", "one ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine "}

// tokens is a reply that is cut into tokens one by one.
type tokens struct {
	fillers int // number of filler tokens of the reply; 0 if the reply is text
	at      int
	text    string
}

func (e *Echo) tokens(messages []chat.Message) tokens {
	switch {
	case e.config.Tokens > 0:
		return tokens{fillers: e.config.Tokens}
	case e.config.Reply != "":
		return tokens{text: e.config.Reply}
	}
	return tokens{text: compose(messages)}
}

func (t *tokens) more() bool { return t.at < t.fillers || t.text != "" }

// next removes the next token from the reply and returns it. The token shares memory with the reply.
func (t *tokens) next() string {
	if t.fillers > 0 {
		token := fillers[t.at%len(fillers)]
		t.at++
		return token
	}
	end := wordEnd(t.text)
	token := t.text[:end]
	t.text = t.text[end:]
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
