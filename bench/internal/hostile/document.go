package hostile

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// The bounds of a document, from docs/bounds.md.
const (
	documentBytes = 1 << 20
	documentKeys  = 10_000
	documentDepth = 64
	keyBytes      = 256
)

// nearBound returns the bound, a number next to it, its double, or its half.
func nearBound(r *rand.Rand, bound int) int {
	return []int{bound - 1, bound, bound + 1, bound * 2, bound / 2}[r.IntN(5)]
}

// Document returns random settings of a tenant as JSON. They are at the edge of a bound, or they set a key
// that only an operator may set.
func Document(r *rand.Rand) []byte {
	switch r.IntN(9) {
	case 0: // a template whose result is much larger than the document
		return system(strings.Repeat("{{a}}", nearBound(r, 100_000)), map[string]string{"a": strings.Repeat("x", nearBound(r, 250_000))})
	case 1: // many template variables
		all := map[string]string{}
		for i := range nearBound(r, documentKeys) {
			all[fmt.Sprintf("v%d", i)] = "x"
		}
		return system("hello {{v1}}", all)
	case 2: // a large document
		return system(strings.Repeat("x", nearBound(r, documentBytes-40)), nil)
	case 3: // deeply nested objects
		n := nearBound(r, documentDepth)
		return []byte(`{"llm":{"options":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + "}}")
	case 4: // a long key
		return []byte(`{"prompts":{"variables":{"` + strings.Repeat("k", nearBound(r, keyBytes)) + `":"x"}}}`)
	case 5: // characters that JSON escapes make longer
		return system(strings.Repeat("<&>\u2028", nearBound(r, documentBytes/16)), nil)
	case 6: // unknown keys
		var b strings.Builder
		b.WriteString("{")
		for i := range nearBound(r, documentKeys) {
			fmt.Fprintf(&b, `"wrong%d":%d,`, i, i)
		}
		return []byte(b.String() + `"prompts":{"system":"x"}}`)
	case 7: // numbers with too many digits or too large an exponent
		return []byte(`{"limits":{"message_bytes":1` + strings.Repeat("0", nearBound(r, 400)) + `},"memory":{"max_messages":1e` + fmt.Sprint(nearBound(r, 400)) + `}}`)
	default: // keys that only an operator may set
		return []byte([]string{
			`{"conversation_storage":{"backend":"postgres","pool_size":1000}}`,
			`{"conversation_storage":{"backend":"memory","max_bytes":0}}`,
			`{"llm":{"provider":"ollama","model":"m","base_url":"http://169.254.169.254/latest"}}`,
			`{"limits":{"concurrent_turns":100000,"turns_per_minute":0}}`,
			`{"prompts":{"system":"${env:HOME}"}}`,
			`{"llm":{"provider":"echo","crash_after_tokens":0}}`,
			`{"plan":"none"}`,
		}[r.IntN(7)])
	}
}

func system(text string, variables map[string]string) []byte {
	prompts := map[string]any{"system": text}
	if variables != nil {
		prompts["variables"] = variables
	}
	b, err := json.Marshal(map[string]any{"prompts": prompts})
	if err != nil {
		panic(err) // unreachable: the values are strings
	}
	return b
}
