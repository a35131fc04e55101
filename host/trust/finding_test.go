package trust

import (
	"testing"
)

func TestQuote(t *testing.T) {
	for path, want := range map[string]string{"/a/b-1.x": "/a/b-1.x", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "": "''", "-x": "'-x'", "/$(id)": "'/$(id)'"} {
		t.Run(path, func(t *testing.T) {
			if got := Quote(path); got != want {
				t.Errorf("%s; want %s", got, want)
			}
		})
	}
}
