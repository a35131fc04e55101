package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/botyard/botyard/sdk"
)

// maxSystem bounds a system prompt with its variables in it, in bytes.
const maxSystem = sdk.MaxSystemBytes

const (
	promptOpens  = "{{"
	promptEscape = "{{{{" // a literal {{
)

// promptVariable matches {{name}}.
var promptVariable = regexp.MustCompile(`^\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}`)

// promptPart is a piece of a prompt: a text, or the name of a variable.
type promptPart struct{ text, variable string }

// parsePrompt cuts a prompt into its parts. wrong are excerpts that begin with {{ and name no
// variable, at most maxProblems of them.
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
		case strings.HasPrefix(prompt, "{{{"): // a brace before a variable
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

// promptExcerpt returns the beginning of a text, long enough to find it in the prompt.
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

// system puts the variables into the system prompt, in one pass. The text of a variable is not
// searched for variables, and a prompt has no other means than variables. The length of the
// result is checked before it is made.
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
	var names []string // names of the variables, sorted; set when one is not found
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
		} else { // the schema reports a wrong type; a missing variable is left to the tenant
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

// undefinedVariable adds the problem of a variable that is not defined.
func (a *tenantMerge) undefinedVariable(path Path, name string, known []string) {
	message, expected := unknown(fmt.Sprintf("uses {{%s}}, which no variable defines", name), name, known)
	if len(known) == 0 {
		expected = fmt.Sprintf("%s in prompts.variables", name)
	}
	a.addProblem(path, message, expected)
}
