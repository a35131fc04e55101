package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// typeWord names the type of a value as the problem texts do.
func typeWord(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case int64:
		return "an integer"
	case float64:
		if v == math.Trunc(v) {
			return "an integer"
		}
		return "a number with a fraction"
	case string, envText:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	}
	return fmt.Sprintf("a %T", value)
}

// schemaTypes names the types of JSON Schema likewise.
var schemaTypes = map[string]string{
	"null": "null", "boolean": "true or false", "integer": "an integer", "number": "a number",
	"string": "a text", "array": "a list", "object": "a map",
}

// list joins words as English does, "a, b or c".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// maxNames is how many names a message lists, and for how many of them it looks for
// one that may have been meant.
const maxNames = 50

// oneOf gives "one of a, b", or the only one.
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	if more := len(words) - maxNames; more > 0 {
		return fmt.Sprintf("one of %s and %d more", strings.Join(words[:maxNames], ", "), more)
	}
	return "one of " + strings.Join(words, ", ")
}

// near gives the known name that somebody who wrote name may have meant, or "".
func near(name string, known []string) string {
	best, distance := "", 1+max(1, len(name)/3)
	if len(known) > 20*maxNames {
		return ""
	}
	for _, k := range slices.Sorted(slices.Values(known)) {
		a, b := strings.ToLower(name), strings.ToLower(k)
		d := levenshtein.Distance(a, b, nil)
		if len(a) > 2 && anagrams(a, b) {
			d = 0 // swapped letters are the commonest slip
		}
		if d < distance && d < len(name) { // not all letters of a short name
			best, distance = k, d
		}
	}
	return best
}

func anagrams(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// unknown words the problem of a name that is none of the known: a suggestion
// where one is near, else all of them.
func unknown(message, name string, known []string) (string, string) {
	if k := near(name, known); k != "" {
		return message + "; did you mean " + strconv.Quote(k) + "?", ""
	}
	if len(known) == 0 {
		return message, ""
	}
	return message, oneOf(slices.Sorted(slices.Values(known)))
}
