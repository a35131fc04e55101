package secret

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	const plain = "sk-hunter2"
	s := NewText(plain)
	if s.Reveal() != plain {
		t.Fatalf("Reveal = %q", s.Reveal())
	}
	type h2 struct{ Key Text }
	type holder struct {
		Key  Text
		Ptr  *Text
		List []Text
		Map  map[string]any
	}
	h := holder{s, &s, []Text{s}, map[string]any{"k": s}}
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T|%v"} {
		args := []any{s}
		if strings.HasPrefix(verb, "%T") {
			args = append(args, s)
		}
		shown = append(shown, fmt.Sprintf(verb, args...))
	}
	shown = append(shown, fmt.Sprintf("%v %+v %#v %x", h, h, h, h), fmt.Sprint(s), s.String(), s.GoString())
	j, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	x, err := xml.Marshal(h2{s})
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(j), string(x), fmt.Errorf("%w: %v", fmt.Errorf("x"), s).Error())
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "k", s, "h", h)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "k", s, "h", h)
	shown = append(shown, log.String())
	hexed := fmt.Sprintf("%x", plain)
	for _, out := range shown {
		if strings.Contains(out, plain) || strings.Contains(out, hexed) || strings.Contains(out, strings.ToUpper(hexed)) {
			t.Errorf("secret shown: %s", out)
		}
	}
	// JSON escapes the angle brackets of the placeholder. A decoder returns the placeholder.
	var back struct{ Key string }
	if err := json.Unmarshal([]byte(`{"Key":`+string(must(json.Marshal(s)))+`}`), &back); err != nil || back.Key != Placeholder {
		t.Errorf("JSON gives %q, %v", back.Key, err)
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}
