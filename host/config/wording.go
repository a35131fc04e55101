package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/agext/levenshtein"
)

// typeWord returns the words with which messages name the type of a value.
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

// schemaTypes maps the types of JSON Schema to the words that messages use.
var schemaTypes = map[string]string{
	"null": "null", "boolean": "true or false", "integer": "an integer", "number": "a number",
	"string": "a text", "array": "a list", "object": "a map",
}

// list joins words as English does: "a, b or c" if last is "or".
func list(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// maxNames is the maximum number of names that a message lists.
const maxNames = 50

// oneOf returns "one of a, b". If there is only one word, it returns the word alone.
func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	if more := len(words) - maxNames; more > 0 {
		return fmt.Sprintf("one of %s and %d more", strings.Join(words[:maxNames], ", "), more)
	}
	return "one of " + strings.Join(words, ", ")
}

// near returns the known name that most resembles a misspelt name, or "" if none resembles it.
func near(name string, known []string) string {
	best, distance := "", 1+max(1, len(name)/3)
	if len(known) > 20*maxNames {
		return ""
	}
	for _, k := range slices.Sorted(slices.Values(known)) {
		a, b := strings.ToLower(name), strings.ToLower(k)
		d := levenshtein.Distance(a, b, nil)
		if len(a) > 2 && anagrams(a, b) {
			d = 0 // swapped letters are the most common mistake
		}
		if d < distance && d < len(name) { // a distance of len(name) or more means that no letter is in place
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

// unknown returns the message and the expected words for an unknown name. If a known name is
// near, the message suggests it. Otherwise the expected words list the known names.
func unknown(message, name string, known []string) (string, string) {
	if k := near(name, known); k != "" {
		return message + "; did you mean " + strconv.Quote(k) + "?", ""
	}
	if len(known) == 0 {
		return message, ""
	}
	return message, oneOf(slices.Sorted(slices.Values(known)))
}
