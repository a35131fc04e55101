package fault

import (
	"slices"
	"strings"
	"testing"
)

func TestPath_String(t *testing.T) {
	for want, path := range map[string]Path{
		"":                        nil,
		"model":                   {"model"},
		"connection.host":         {"connection", "host"},
		"messages.0.role":         {"messages", Index(0), "role"},
		`options."num.ctx"`:       {"options", "num.ctx"},
		`headers."X-A B".""`:      {"headers", "X-A B", ""},
		`"a\"b"`:                  {`a"b`},
		"Idempotency-Key":         {"Idempotency-Key"},
		`env."line\nbreak".größe`: {"env", "line\nbreak", "größe"},
	} {
		t.Run(want, func(t *testing.T) {
			if got := path.String(); got != want {
				t.Errorf("%q is shown as %s; want %s", []string(path), got, want)
			}
		})
	}
}

func TestPath_Below(t *testing.T) {
	p := Keys("connection.host")
	if got := p.Below("registry", "storage"); !slices.Equal(got, Keys("registry.storage.connection.host")) || len(p) != 2 {
		t.Errorf("got %q", got)
	}
	if Keys("") != nil || len(Path(nil).Below("llm")) != 1 {
		t.Error("an empty path has a segment")
	}
}

// TestToStatus_longPaths checks that a path crosses the protocol within its bounds.
//
// beyond: segments of the path of an error
func TestToStatus_longPaths(t *testing.T) {
	many := slices.Repeat([]string{"a"}, MaxPathSegments+1)
	for name, c := range map[string]struct{ in, want Path }{
		"too many segments":   {many, many[:MaxPathSegments]},
		"too many bytes":      {Path{"a", strings.Repeat("b", MaxText), "c"}, Path{"a"}},
		"a segment too large": {Path{strings.Repeat("b", MaxText+1), "c"}, Path{strings.Repeat("b", MaxText-3) + "..."}},
		"not UTF-8":           {Path{"a\xff", "b"}, Path{"a\uFFFD", "b"}},
		"dots in a name":      {Path{"a.b", "c"}, Path{"a.b", "c"}},
		"an empty name":       {Path{"a", "", "c"}, Path{"a", "", "c"}},
	} {
		t.Run(name, func(t *testing.T) {
			out := Of(ToStatus(New(Invalid, "x").At(c.in...)))
			if out.Class != Invalid || out.Message != "x" || !slices.Equal(out.Path, c.want) {
				t.Errorf("came back as %s with %d segments: %.60q", out.Class, len(out.Path), out.Path)
			}
		})
	}
}
