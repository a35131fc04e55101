package jsonstream

// CountValues returns about how many values a JSON text has. It counts opening brackets and commas
// outside of strings. Callers use the count to refuse a text before decoding, because decoding
// allocates memory for each value, however short the text is. The text may be invalid JSON.
func CountValues(text []byte) (n int) {
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
