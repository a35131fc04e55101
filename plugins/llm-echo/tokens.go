package echo

import (
	"unicode"

	"github.com/botyard/botyard/sdk/chat"
)

// fillers are the tokens of a reply whose length is configured: short, and
// different from their neighbours, so that a lost or swapped one can be seen.
var fillers = [...]string{"zero ", "one ", "two ", "three ", "four ", "five ", "six ", "seven ", "eight ", "nine "}

// tokens is a reply that is being taken apart.
type tokens struct {
	fillers int // still to come; text is empty then
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

// next cuts the next token off. It shares the reply's memory.
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

// wordEnd is where the first word and the white space after it end. Leading white
// space belongs to the word.
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
