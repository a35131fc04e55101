package docstest

import (
	"errors"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

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
