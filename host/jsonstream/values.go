package jsonstream

// Values counts what JSON is made of, outside of its texts: objects, lists
// and values after a comma. Each needs memory that its length
// says nothing about.
func Values(text []byte) (n int) {
	inText := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case !inText && (c == '{' || c == '[' || c == ','):
			n++
		}
	}
	return n
}
