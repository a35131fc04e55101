package config

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// quoting returns the advice to add or remove quotes, if quotes are the only mistake. Otherwise
// it returns "".
func (c *checker) quoting(path Path, want []string) string {
	if len(want) != 1 || c.alternative {
		return ""
	}
	switch v := c.valueAt(path).(type) {
	case int64, float64, bool:
		if want[0] == "string" {
			return ", in quotes"
		}
	case string:
		unquoted := false
		switch want[0] {
		case "boolean":
			unquoted = v == "true" || v == "false"
		case "integer":
			_, err := strconv.ParseInt(v, 10, 64)
			unquoted = err == nil
		case "number":
			f, err := strconv.ParseFloat(v, 64)
			unquoted = err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
		}
		if unquoted {
			return ", without quotes"
		}
	}
	return ""
}

// typeWords returns the names that messages use for the JSON Schema types, joined with "or".
func typeWords(types []string) string {
	words := make([]string, 0, len(types))
	for _, t := range types {
		if w := schemaTypes[t]; w != "" {
			words = append(words, w)
		}
	}
	return list(words, "or")
}

// notAccepted is what messages say of a value instead of showing the value.
const notAccepted = "not accepted"

// display returns a value as JSON for messages. For a long value it returns notAccepted.
func display(value any) string {
	b, err := json.Marshal(value)
	if err != nil || len(b) > 80 {
		return notAccepted
	}
	return string(b)
}

// display returns a value that has the marks m as JSON for messages. For a secret or a long value it
// returns notAccepted.
func (m marks) display(value any) string {
	if m.secret {
		return notAccepted
	}
	return display(value)
}

// choices returns the values that the enum of the subschema at the location allows, or "" if the
// subschema has no enum.
func (c cursor) choices(location string) string {
	for _, s := range c.schemas {
		if s.Location == location && s.Enum != nil {
			return choicesOf(s.Enum.Values)
		}
	}
	return ""
}

func choicesOf(values []any) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = display(v)
	}
	return oneOf(words)
}

// constraint returns the message and the expected words for a value of the right type that a
// keyword refuses. The value has the marks m, and got is its display.
func (m marks) constraint(k jsonschema.ErrorKind, got string) (message, expected string) {
	switch k := k.(type) {
	case *kind.Enum:
		return "is " + got, choicesOf(k.Want)
	case *kind.Const:
		return "is " + got, display(k.Want)
	case *kind.Minimum:
		return "is " + got, "at least " + rational(k.Want)
	case *kind.Maximum:
		return "is " + got, "at most " + rational(k.Want)
	case *kind.ExclusiveMinimum:
		return "is " + got, "more than " + rational(k.Want)
	case *kind.ExclusiveMaximum:
		return "is " + got, "less than " + rational(k.Want)
	case *kind.MultipleOf:
		return "is " + got, "a multiple of " + rational(k.Want)
	case *kind.MinLength:
		if k.Got == 0 {
			return "is empty", "a text"
		}
		if m.secret { // the length would reveal something about the secret
			return "is too short", fmt.Sprintf("at least %d characters", k.Want)
		}
		return fmt.Sprintf("has %d characters", k.Got), fmt.Sprintf("at least %d", k.Want)
	case *kind.MaxLength:
		if m.secret {
			return "is too long", fmt.Sprintf("at most %d characters", k.Want)
		}
		return fmt.Sprintf("has %d characters", k.Got), fmt.Sprintf("at most %d", k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d elements", k.Got), fmt.Sprintf("at least %d", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d elements", k.Got), fmt.Sprintf("at most %d", k.Want)
	case *kind.MinProperties:
		return fmt.Sprintf("has %d keys", k.Got), fmt.Sprintf("at least %d", k.Want)
	case *kind.MaxProperties:
		return fmt.Sprintf("has %d keys", k.Got), fmt.Sprintf("at most %d", k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("has equal elements, %d and %d", k.Duplicates[0], k.Duplicates[1]), "different ones"
	case *kind.Pattern:
		return "is " + got, "a text that matches " + k.Want
	case *kind.Format:
		return "is " + got, "a text in the format " + k.Want
	}
	// The library's own message is not used, because it may contain the value.
	if keyword := strings.Join(k.KeywordPath(), "."); keyword != "" {
		return fmt.Sprintf("does not meet %q of its schema", keyword), ""
	}
	return "is not accepted by its schema", ""
}

func rational(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}
