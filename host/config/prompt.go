package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
)

// maxSystem is the maximum size of a system prompt, in bytes, after its variables were replaced.
const maxSystem = sdk.MaxSystemBytes

const (
	promptOpens  = "{{"
	promptEscape = "{{{{" // stands for a literal "{{"
)

// promptVariable matches {{name}} at the beginning of a text.
var promptVariable = regexp.MustCompile(`^\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}`)

// promptPart is one part of a prompt: either a text or the name of a variable.
type promptPart struct{ text, variable string }

// parsePrompt splits a prompt into texts and variables. wrong has excerpts of places where {{
// does not begin a valid variable; it has at most maxProblems excerpts.
func parsePrompt(prompt string) (parts []promptPart, wrong []string) {
	text := func(s string) {
		if s != "" {
			parts = append(parts, promptPart{text: s})
		}
	}
	for {
		before, _, found := strings.Cut(prompt, promptOpens)
		text(before)
		if !found {
			return parts, wrong
		}
		prompt = prompt[len(before):]
		m := promptVariable.FindStringSubmatch(prompt)
		switch {
		case strings.HasPrefix(prompt, promptEscape):
			text(promptOpens)
			prompt = prompt[len(promptEscape):]
		case strings.HasPrefix(prompt, "{{{"): // the first brace is a text; a variable may follow
			text("{")
			prompt = prompt[1:]
		case m != nil:
			parts = append(parts, promptPart{variable: m[1]})
			prompt = prompt[len(m[0]):]
		default:
			if len(wrong) < maxProblems {
				wrong = append(wrong, promptExcerpt(prompt))
			}
			text(promptOpens)
			prompt = prompt[len(promptOpens):]
		}
	}
}

// promptExcerpt returns the beginning of a text. The excerpt is long enough to find the place in
// the prompt.
func promptExcerpt(text string) string {
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

// system replaces the variables in the system prompt and sets Effective.System. It makes one
// pass: a {{name}} inside the text of a variable stays as it is. The prompt is no template beyond
// its variables. The size of the result is checked before the result is allocated.
func (a *tenantMerge) system() {
	prompts, _ := a.tree["prompts"].(map[string]any)
	prompt, _ := prompts["system"].(string)
	variables, _ := prompts["variables"].(map[string]any)
	path := Path{"prompts", "system"}
	parts, wrong := parsePrompt(prompt)
	for _, excerpt := range wrong {
		a.addProblem(path, fmt.Sprintf("has %q, which is no variable", excerpt),
			"{{name}} with a name of letters, digits and _, or {{{{ for a literal {{")
	}
	size := 0
	var names []string // sorted names of the variables; computed when a prompt uses an undefined variable
	undefined := map[string]bool{}
	for i, part := range parts {
		if part.variable == "" {
			size += len(part.text)
			continue
		}
		value, given := variables[part.variable]
		if !given && !a.partial && !undefined[part.variable] && len(undefined) < maxProblems {
			undefined[part.variable] = true
			if names == nil {
				names = slices.Sorted(maps.Keys(variables))
			}
			a.undefinedVariable(path, part.variable, names)
		}
		if text, ok := value.(string); ok {
			parts[i].text = text
		} else { // The schema reports a wrong type. Without a tenant, an undefined variable stays in the text.
			parts[i].text = promptOpens + part.variable + "}}"
		}
		size += len(parts[i].text)
	}
	if size > maxSystem {
		a.addProblem(path, fmt.Sprintf("has %d bytes with its variables", size), fmt.Sprintf("at most %d", maxSystem))
		return
	}
	var b strings.Builder
	b.Grow(size)
	for _, part := range parts {
		b.WriteString(part.text)
	}
	a.effective.System = b.String()
}

// undefinedVariable adds the problem that the prompt uses a variable that is not defined.
func (a *tenantMerge) undefinedVariable(path Path, name string, known []string) {
	message, expected := unknown(fmt.Sprintf("uses {{%s}}, which no variable defines", name), name, known)
	if len(known) == 0 {
		expected = fmt.Sprintf("%s in prompts.variables", name)
	}
	a.addProblem(path, message, expected)
}
