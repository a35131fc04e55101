package docstest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// source is the parsed Go source of one file, or of all files of one folder except tests.
type source struct {
	root  string
	files []*ast.File
	whole *source // the source of the file's folder; nil for the source of a folder
}

// load parses the Go file or the folder at path. For a file it also parses the file's folder,
// which defines the constants that the file uses.
func load(root, path string) (*source, error) {
	s := &source{root: root}
	if strings.HasSuffix(path, ".go") {
		whole, err := load(root, filepath.Dir(path))
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return nil, err
		}
		s.files, s.whole = []*ast.File{f}, whole
		return s, nil
	}
	names, err := filepath.Glob(filepath.Join(path, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

// uses reports whether name is an identifier or the whole text of a string in the source.
func (s *source) uses(name string) bool {
	found := false
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				found = found || n.Name == name
			case *ast.BasicLit:
				found = found || n.Value == `"`+name+`"`
			}
			return !found
		})
	}
	return found
}

// values returns the expressions that the source assigns to the constants, variables and fields
// named name.
func (s *source) values(name string) []ast.Expr {
	var out []ast.Expr
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, id := range n.Names {
					if id.Name == name && i < len(n.Values) {
						out = append(out, n.Values[i])
					}
				}
			case *ast.KeyValueExpr:
				if id, ok := n.Key.(*ast.Ident); ok && id.Name == name {
					out = append(out, n.Value)
				}
			case *ast.AssignStmt:
				for i, left := range n.Lhs {
					if lastName(left) == name && len(n.Lhs) == len(n.Rhs) {
						out = append(out, n.Rhs[i])
					}
				}
			}
			return true
		})
	}
	return out
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

var units = map[string]time.Duration{
	"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
	"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
}

// eval returns the value of a constant expression. It looks up constants of this folder and of
// other folders of the tree. It returns nil if the expression is not constant.
func (s *source) eval(e ast.Expr) (v constant.Value) {
	defer func() {
		if recover() != nil { // go/constant panics if the kinds of two operands do not match
			v = nil
		}
	}()
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.MakeFromLiteral(e.Value, e.Kind, 0)
	case *ast.ParenExpr:
		return s.eval(e.X)
	case *ast.BinaryExpr:
		return binary(s.eval(e.X), e.Op, s.eval(e.Y))
	case *ast.Ident:
		return s.constant(e.Name)
	case *ast.SelectorExpr:
		return s.foreign(lastName(e.X), e.Sel.Name)
	}
	return nil
}

func binary(x constant.Value, op token.Token, y constant.Value) constant.Value {
	if x == nil || y == nil {
		return nil
	}
	switch op {
	case token.SHL, token.SHR:
		n, _ := constant.Uint64Val(y)
		return constant.Shift(x, op, uint(n))
	case token.QUO:
		if x.Kind() == constant.Int && y.Kind() == constant.Int {
			op = token.QUO_ASSIGN // go/constant uses QUO_ASSIGN for the division of integers
		}
	}
	return constant.BinaryOp(x, op, y)
}

// constant returns the value of a constant of this package, or nil if it does not exist.
func (s *source) constant(name string) constant.Value {
	if s.whole != nil {
		return s.whole.constant(name)
	}
	for _, f := range s.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				c := spec.(*ast.ValueSpec)
				if i := slices.IndexFunc(c.Names, func(id *ast.Ident) bool { return id.Name == name }); i >= 0 && i < len(c.Values) {
					return s.eval(c.Values[i])
				}
			}
		}
	}
	return nil
}

const module = "github.com/botyard/botyard/"

// foreign returns the value of a constant of another package, or nil if it does not exist.
func (s *source) foreign(pkg, name string) constant.Value {
	if d, ok := units[name]; ok && pkg == "time" {
		return constant.MakeInt64(int64(d))
	}
	for _, f := range s.files {
		for _, i := range f.Imports {
			path := strings.Trim(i.Path.Value, `"`)
			if !strings.HasPrefix(path, module) || !strings.HasSuffix(path, "/"+pkg) {
				continue
			}
			other, err := load(s.root, filepath.Join(s.root, filepath.FromSlash(strings.TrimPrefix(path, module))))
			if err != nil {
				return nil
			}
			return other.constant(name)
		}
	}
	return nil
}

func printed(e ast.Expr) string {
	var b strings.Builder
	_ = printer.Fprint(&b, token.NewFileSet(), e)
	return b.String()
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
