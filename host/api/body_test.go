package api

import (
	"testing"
	"unicode/utf8"

	"encoding/json"
)

func TestLoneSurrogate(t *testing.T) {
	for text, want := range map[string]int{
		`"plain"`:               -1,
		`"\ud83d\ude00"`:        -1,
		`"\uD83D\uDE00\u0041"`:  -1,
		`"\\ud83d"`:             -1, // a backslash, and letters
		`"\\\ud83d"`:            3,
		`"\ud83d"`:              1,
		`"\ude00"`:              1,
		`"\ud83d\ud83d\ude00"`:  1,
		`"\ud83d\u0041"`:        1,
		`"\ud83d\ude00\ude00"`:  13,
		`"\n\t\"\ud83d\\ude00"`: 7,
		`"\ud83`:                -1, // not JSON either
		`\`:                     -1,
	} {
		if got := loneSurrogate([]byte(text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// FuzzDecodeObject holds that what is accepted is what was sent.
func FuzzDecodeObject(f *testing.F) {
	for _, seed := range []string{`{"a":"x","b":true}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, `{"a":1}`, `{} {}`, `{"m":{"x":[1,{}]}}`, `{"a":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var text string
		var flag bool
		var meta object
		if decodeObject(body, map[string]any{"a": &text, "b": &flag, "m": &meta}) != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(body, &want); err != nil || !utf8.ValidString(text) {
			t.Fatalf("accepted %q: %v", body, err)
		}
		for name := range want {
			if name != "a" && name != "b" && name != "m" {
				t.Fatalf("accepted %q", body)
			}
		}
		if len(meta) > 0 && (meta[0] != '{' || !json.Valid(meta)) {
			t.Fatalf("metadata %q", meta)
		}
	})
}
