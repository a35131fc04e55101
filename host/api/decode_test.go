package api

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
)

// TestDecodeObject_halfSurrogates checks that an escaped half of a surrogate pair is refused,
// because it is not valid Unicode.
func TestDecodeObject_halfSurrogates(t *testing.T) {
	for text, whole := range map[string]bool{
		`"plain"`:               true,
		`"\ud83d\ude00"`:        true,
		`"\uD83D\uDE00\u0041"`:  true,
		`"\\ud83d"`:             true, // an escaped backslash followed by letters
		`"\\\ud83d"`:            false,
		`"\ud83d"`:              false,
		`"\ude00"`:              false,
		`"\ud83d\ud83d\ude00"`:  false,
		`"\ud83d\u0041"`:        false,
		`"\ud83d\ude00\ude00"`:  false,
		`"\n\t\"\ud83d\\ude00"`: false,
	} {
		t.Run(text, func(t *testing.T) {
			var got, want string
			err := decodeObject([]byte(`{"a":`+text+`}`), map[string]any{"a": &got})
			switch {
			case whole:
				if json.Unmarshal([]byte(text), &want) != nil || err != nil || got != want {
					t.Errorf("decoded %q, %v; want %q", got, err, want)
				}
			case err == nil || !strings.Contains(err.Error(), "surrogate"):
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// FuzzDecodeObject checks that a decoded text is exactly the text that was sent.
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

// TestDecodeObject_tooManyValues checks that a body with too many values is refused before memory
// is allocated for them.
//
// beyond: values of a body
func TestDecodeObject_tooManyValues(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	body := func(n int) string {
		return `{"conversation_id":"c","message":"m","metadata":{"a":[0` + strings.Repeat(",0", n) + `]}}`
	}
	s.refuse(refusal{"", "POST", "/api/v1/chat", headers{tenantHeader: "a"}, body(bounds.BodyValues), 400, fault.Invalid, "", "values"})
	s.call("POST", "/api/v1/chat", headers{tenantHeader: "a"}, body(8000), 200, nil)
}
