package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// variable is what stands for one in a prompt. Anything else in braces is text.
var variable = regexp.MustCompile(`\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}`)

// system puts the variables into the system prompt, in one pass: what a variable
// contains is not looked at again. That is all that a prompt can do.
func (a *assembly) system() {
	prompts, _ := a.tree["prompts"].(map[string]any)
	text, _ := prompts["system"].(string)
	variables, _ := prompts["variables"].(map[string]any)
	a.effective.System = variable.ReplaceAllStringFunc(text, func(use string) string {
		name := variable.FindStringSubmatch(use)[1]
		value, ok := variables[name].(string)
		if _, given := variables[name]; !given && !a.partial {
			message, expected := unknown(fmt.Sprintf("uses {{%s}}, which no variable defines", name), name, slices.Sorted(maps.Keys(variables)))
			if expected == "" && len(variables) == 0 {
				expected = fmt.Sprintf("%s in prompts.variables", name)
			}
			a.refuse(Path{"prompts", "system"}, message, expected)
		}
		if !ok {
			return use
		}
		return value
	})
}
