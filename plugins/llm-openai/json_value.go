package openaillm

import "encoding/json"

// jsonValue follows a JSON value that comes in pieces, and knows whether it is complete. It looks at each
// byte once, and parses the value once, however many pieces and questions there are.
type jsonValue struct {
	depth   int  // nesting depth of braces and brackets
	text    bool // inside of a JSON text
	escaped bool // after a backslash in it
	begun   bool
	ended   bool // an object, a list or a text ended at the top
	after   bool // something follows that end
	known   bool // valid is known
	valid   bool
}

// maxBare is the most bytes of a value that is no object, no list and no text. Only what follows it says
// that such a value has ended, so it is parsed for each question.
const maxBare = 64

// scan takes the next piece of the value.
func (v *jsonValue) scan(piece string) {
	for i := range len(piece) {
		c := piece[i]
		switch {
		case v.text:
			switch {
			case v.escaped:
				v.escaped = false
			case c == '\\':
				v.escaped = true
			case c == '"':
				v.text = false
				v.ended = v.depth == 0
			}
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case v.ended:
			v.after = true
			return
		case c == '"':
			v.text, v.begun = true, true
		case c == '{' || c == '[':
			v.depth++
			v.begun = true
		case c == '}' || c == ']':
			v.depth--
			v.ended = v.depth <= 0
		default:
			v.begun = true
		}
	}
}

// isWhole reports whether the value is complete. all are its pieces.
func (v *jsonValue) isWhole(all string) bool {
	switch {
	case v.after || !v.begun:
		return false
	case !v.ended:
		return v.depth == 0 && !v.text && len(all) <= maxBare && json.Valid([]byte(all))
	case !v.known:
		v.known, v.valid = true, json.Valid([]byte(all))
	}
	return v.valid
}
