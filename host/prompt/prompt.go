package prompt

import (
	"strings"

	"github.com/botyard/botyard/sdk"
)

// Prompt is a compiled prompt. Its constant variables are replaced, and the variables that get their
// values in a turn are left. It is immutable. The zero value is an empty prompt.
type Prompt struct {
	text  string // the whole prompt, if parts is nil
	parts []part // set only if the prompt has variables; two texts are never adjacent
}

// Literal returns a prompt without variables. It does not look for braces in the text.
func Literal(text string) Prompt { return Prompt{text: text} }

// Compile replaces each variable by the text that constant returns for its name. A variable for
// which constant returns false stays in the prompt. Compile calls constant once for each name. size is the greatest size of the prompt in
// bytes, with the longest values of the variables that are left, as LongestValue returns them. If
// size exceeds sdk.MaxSystemBytes, Compile returns an empty prompt, and does not allocate the text.
func (p Parsed) Compile(constant func(name string) (string, bool)) (prompt Prompt, size int) {
	values := map[string]part{}
	resolve := func(one part) part {
		if one.variable == "" {
			return one
		}
		value, known := values[one.variable]
		if !known {
			value = one
			if text, ok := constant(one.variable); ok {
				value = part{text: text}
			}
			values[one.variable] = value
		}
		return value
	}
	texts := 0
	for _, one := range p.parts {
		one = resolve(one)
		texts += len(one.text)
		size += len(one.text) + LongestValue(one.variable)
	}
	if size > sdk.MaxSystemBytes {
		return Prompt{}, size
	}
	var text strings.Builder
	text.Grow(texts)
	flush := func() {
		if text.Len() > 0 {
			prompt.parts = append(prompt.parts, part{text: text.String()})
			text.Reset()
		}
	}
	for _, one := range p.parts {
		if one = resolve(one); one.variable == "" {
			text.WriteString(one.text)
			continue
		}
		flush()
		prompt.parts = append(prompt.parts, one)
	}
	if len(prompt.parts) == 0 {
		return Prompt{text: text.String()}, size
	}
	flush()
	return prompt, size
}

// IsEmpty reports whether the prompt has neither a text nor a variable.
func (p Prompt) IsEmpty() bool { return p.text == "" && len(p.parts) == 0 }

// HasVariables reports whether a variable of the turn is left in the prompt.
func (p Prompt) HasVariables() bool { return p.parts != nil }

// Variables returns the names of the variables that are left in the prompt, each once, in the
// order of their first occurrence.
func (p Prompt) Variables() []string { return Parsed{p.parts}.Variables() }

// String returns the prompt with {{name}} for each variable that is left. It does not escape braces in
// the texts, so Parse may read the result as another prompt.
func (p Prompt) String() string {
	text, _ := p.fill(func(name string) (string, bool) { return opens + name + "}}", true })
	return text
}

// Fill returns the text of the prompt with the values in place of its variables. values maps the
// names of variables to texts, which Fill does not parse. Fill returns false if a value is missing,
// or if the text would exceed sdk.MaxSystemBytes.
func (p Prompt) Fill(values map[string]string) (string, bool) {
	size := 0
	for _, one := range p.parts {
		size += len(one.text) + len(values[one.variable])
	}
	if size > sdk.MaxSystemBytes {
		return "", false
	}
	return p.fill(func(name string) (string, bool) { v, ok := values[name]; return v, ok })
}

// fill returns the text of the prompt with value(name) in place of each variable. It returns false if
// value returns false for a name.
func (p Prompt) fill(value func(string) (string, bool)) (string, bool) {
	if p.parts == nil {
		return p.text, true
	}
	var b strings.Builder
	for _, one := range p.parts {
		if one.variable == "" {
			b.WriteString(one.text)
			continue
		}
		text, ok := value(one.variable)
		if !ok {
			return "", false
		}
		b.WriteString(text)
	}
	return b.String(), true
}

// Digestible returns a value whose JSON encoding differs between different prompts, for a digest. For a
// prompt without variables the value is its text. For others it is a list: a text is a string in it,
// and a variable is a list that has only the variable's name.
func (p Prompt) Digestible() any {
	if p.parts == nil {
		return p.text
	}
	form := make([]any, len(p.parts))
	for i, one := range p.parts {
		if form[i] = one.text; one.variable != "" {
			form[i] = []string{one.variable}
		}
	}
	return form
}
