package prompt

import (
	"regexp"
	"strings"

	"github.com/botyard/botyard/host/bounds"
)

const (
	opens  = "{{"
	escape = "{{{{" // stands for a literal "{{"
)

// variable matches {{name}} and {{group.name}} at the beginning of a text. Spaces may stand inside the
// braces.
var variable = regexp.MustCompile(`^\{\{ *([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)?) *\}\}`)

// part is one part of a prompt: either a text or the name of a variable.
type part struct{ text, variable string }

// Parsed is a text that was split into texts and variables.
type Parsed struct{ parts []part }

// Parse splits a text into texts and variables. wrong has excerpts of places where {{ does not
// begin a valid variable; it has at most bounds.Problems excerpts. Parse keeps such a {{ as text.
func Parse(text string) (p Parsed, wrong []string) {
	add := func(s string) {
		if s != "" {
			p.parts = append(p.parts, part{text: s})
		}
	}
	for {
		before, _, found := strings.Cut(text, opens)
		add(before)
		if !found {
			return p, wrong
		}
		text = text[len(before):]
		m := variable.FindStringSubmatch(text)
		switch {
		case strings.HasPrefix(text, escape):
			add(opens)
			text = text[len(escape):]
		case strings.HasPrefix(text, "{{{"): // the first brace is a text; a variable may follow
			add("{")
			text = text[1:]
		case m != nil:
			p.parts = append(p.parts, part{variable: m[1]})
			text = text[len(m[0]):]
		default:
			if len(wrong) < bounds.Problems {
				wrong = append(wrong, excerpt(text))
			}
			add(opens)
			text = text[len(opens):]
		}
	}
}

// Variables returns the names of the variables in the text, each once, in the order of their first
// occurrence.
func (p Parsed) Variables() []string {
	var names []string
	seen := map[string]bool{}
	for _, part := range p.parts {
		if part.variable != "" && !seen[part.variable] {
			seen[part.variable] = true
			names = append(names, part.variable)
		}
	}
	return names
}

// excerpt returns the beginning of a text for an error: at most one line, at most up to the first }},
// and at most 40 characters. An ellipsis marks a cut after 40 characters.
func excerpt(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), 200)], "")
	text, _, _ = strings.Cut(text, "\n")
	if end := strings.Index(text, "}}"); end >= 0 {
		text = text[:end+len("}}")]
	}
	if runes := []rune(text); len(runes) > 40 {
		text = string(runes[:40]) + "..."
	}
	return text
}
