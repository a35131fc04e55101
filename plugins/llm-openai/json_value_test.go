package openaillm

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestJSONValue_isWhole compares each beginning of a text with what a parser says of it, asked after each
// byte and asked once.
func TestJSONValue_isWhole(t *testing.T) {
	for _, text := range []string{
		``, `  `, `{}`, ` {} `, `{"a":"}\\\"{","b":[1,{"c":null}]}  `, `[]`, `"a\"b" `, `12`, `true `, `null`, `{"a"}`, `{}{}`, `{} x`, `]`, `}{}`, `[}`,
		`1{}`, `"a""b"`, `{"a":1`, `\`, `"\u00e9"`, `{"a":"é"}`,
	} {
		var asked jsonValue
		for i := range len(text) + 1 {
			if i > 0 {
				asked.scan(text[i-1 : i])
			}
			var once jsonValue
			once.scan(text[:i])
			want := json.Valid([]byte(text[:i]))
			if got, also := asked.isWhole(text[:i]), once.isWhole(text[:i]); got != want || also != want {
				t.Errorf("%q: %t and %t, want %t", text[:i], got, also, want)
			}
		}
	}
	var bare jsonValue
	long := strings.Repeat("1", maxBare+1)
	if bare.scan(long); bare.isWhole(long) {
		t.Error("a long number counts as complete")
	}
}
