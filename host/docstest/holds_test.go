package docstest

import (
	"fmt"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// pinMark matches a pin. A pin says that a sentence of a page is true only while a fact of the
// source holds:
//
//	<!-- holds: host/plugins: probeEvery = 5s -->
//	<!-- holds: sdk/limits.go: MaxTailBytes = 24 MiB -->
//	<!-- holds: host/bot_build.go: Remember -->
//
// A pin names a file or the folder of a package, an identifier, and usually a value. In Go the
// identifier is a constant, a variable or a field, and the pin's value is compared with its
// evaluated value: 5s is equal to 5 * time.Second. In other files the value is the text after
// the identifier, compared without blanks and line ends.
var pinMark = regexp.MustCompile(`<!-- holds: ([^:]+): ([^ =]+)(?: = (.*?))? -->`)

// anyHolds matches each comment that begins as a pin does. A comment that anyHolds matches and
// pinMark does not is malformed.
var anyHolds = regexp.MustCompile(`<!-- holds:[^>]*>`)

type pin struct {
	path, name, value string
}

// pinsOf returns the pins of a page's text.
func pinsOf(text string) ([]pin, error) {
	var pins []pin
	for _, mark := range anyHolds.FindAllString(text, -1) {
		m := pinMark.FindStringSubmatch(mark)
		if m == nil {
			return nil, fmt.Errorf("%s is not of the form <!-- holds: PATH: NAME = VALUE -->", mark)
		}
		pins = append(pins, pin{m[1], m[2], m[3]})
	}
	return pins, nil
}

// check returns an error if the pin does not hold in the tree below the folder root.
func (p pin) check(root string) error {
	path := filepath.Join(root, filepath.FromSlash(p.path))
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() && filepath.Ext(path) != ".go" {
		return p.checkText(path)
	}
	src, err := load(root, path)
	if err != nil {
		return err
	}
	if p.value == "" {
		if src.uses(p.name) {
			return nil
		}
		return fmt.Errorf("%s does not use the name %s", p.path, p.name)
	}
	found := src.values(p.name)
	if len(found) == 0 {
		return fmt.Errorf("%s gives no value to %s", p.path, p.name)
	}
	want, isConstant := parseValue(p.value)
	var have []string
	for _, e := range found {
		if v := src.eval(e); isConstant && v != nil && v.Kind() == want.Kind() && constant.Compare(v, token.EQL, want) {
			return nil
		}
		text := printed(e)
		if squeeze(text) == squeeze(p.value) {
			return nil
		}
		have = append(have, text)
	}
	return fmt.Errorf("%s of %s is %s, not %s", p.name, p.path, strings.Join(have, " and "), p.value)
}

func (p pin) checkText(path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	named := regexp.MustCompile(`(^|\W)` + regexp.QuoteMeta(p.name) + `(\W|$)`)
	for _, at := range named.FindAllIndex(src, -1) {
		after := squeeze(string(src[at[0]:]))
		if strings.Contains(after[:min(len(after), len(squeeze(p.name+p.value))+2)], squeeze(p.name+p.value)) {
			return nil
		}
	}
	return fmt.Errorf("%s has no %s %s", p.path, p.name, p.value)
}

// squeeze returns s without blanks and line ends.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

var size = regexp.MustCompile(`^([0-9]+) (KiB|MiB|GiB)$`)

// parseValue parses a value as pages write it, such as 5s, 24 MiB, 0.4 or "text". It returns
// false for any other text.
func parseValue(s string) (constant.Value, bool) {
	if m := size.FindStringSubmatch(s); m != nil {
		n := constant.MakeFromLiteral(m[1], token.INT, 0)
		return constant.Shift(n, token.SHL, map[string]uint{"KiB": 10, "MiB": 20, "GiB": 30}[m[2]]), true
	}
	if d, err := time.ParseDuration(s); err == nil && s != "0" {
		return constant.MakeInt64(int64(d)), true
	}
	e, err := parser.ParseExpr(s)
	if err != nil {
		return nil, false
	}
	v := (&source{}).eval(e)
	return v, v != nil
}

func TestPin_holdsInEveryPage(t *testing.T) {
	for _, p := range pages(t) {
		pins, err := pinsOf(p.text)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		for _, pin := range pins {
			if err := pin.check(root); err != nil {
				t.Errorf("%s: %v: correct what the page says, and its mark", p.name, err)
			}
		}
	}
}

func TestPin_check(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a/a.go": "package a\n\nimport \"" + module + "b\"\n\nconst (\n\tpause   = 3 *\n\t\ttime.Second\n\tmost = 2*part + part/4\n\ttotal = pause + b.Grace\n\tname = \"x\"\n)\n\nvar o = options{every: time.Minute}\n\nfunc f() { o.share = 0.4; o.size = 8 << 20; o.stop = newStop(1,  2) }\n",
		"a/b.go": "package a\n\nconst part = 4 << 20\n\nfunc g() { pause := 9 }\n",
		"b/b.go": "package b\n\nconst Grace = 2 * time.Second\n",
		"t.sql":  "create index owners\n  on turns (tenant)\n  where guest;\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		mark, want string
	}{
		{"a: pause = 3s", ""},
		{"a/a.go: pause = 3 * time.Second", ""},
		{"a/a.go: pause = 4s", "pause of a/a.go is 3 * time.Second, not 4s"},
		{"a/b.go: pause = 3s", "pause of a/b.go is 9, not 3s"},
		{"a: most = 9 MiB", ""},
		{"a: total = 5s", ""},
		{"a: every = 1m", ""},
		{"a: share = 0.4", ""},
		{"a: size = 8 MiB", ""},
		{"a: name = \"x\"", ""},
		{"a: stop = newStop(1, 2)", ""},
		{"a: gone = 1", "a gives no value to gone"},
		{"a: newStop", ""},
		{"a: newStart", "a does not use the name newStart"},
		{"t.sql: owners = on turns (tenant) where guest", ""},
		{"t.sql: owner = on turns (tenant)", "t.sql has no owner on turns (tenant)"},
		{"t.sql: owners = on turns (user)", "t.sql has no owners on turns (user)"},
	} {
		t.Run(c.mark, func(t *testing.T) {
			pins, err := pinsOf("<!-- holds: " + c.mark + " -->")
			if err != nil || len(pins) != 1 {
				t.Fatalf("pinsOf gave %v, %v", pins, err)
			}
			got := ""
			if err := pins[0].check(dir); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q; expected %q", got, c.want)
			}
		})
	}
	if _, err := pinsOf("<!-- holds: nothing -->"); err == nil {
		t.Error("a mark without a name was taken")
	}
}
