package docstest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackageDocs_nameTheirFiles checks that the documentation of each package names all files
// of the package, so that a reader finds the right file. A package of one file needs no list.
// Tests and generated files are not checked. The name x_*.go stands for files for one operating
// system, such as x_linux.go.
func TestPackageDocs_nameTheirFiles(t *testing.T) {
	packages := map[string][]string{} // the names of Go files, by folder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case d.IsDir() && (name == "bin" || name == "testdata" || strings.HasPrefix(name, ".") && path != root):
			return filepath.SkipDir
		case filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, ".pb.go"):
			packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, files := range packages {
		if len(files) == 1 {
			continue
		}
		text := packageDoc(t, dir, files)
		where, _ := filepath.Rel(root, dir)
		if text == "" {
			t.Errorf("%s has several files and no package documentation", where)
			continue
		}
		for _, name := range files {
			if name == "doc.go" || name == "main.go" || strings.Contains(text, name) {
				continue
			}
			if stem, system, ok := strings.Cut(strings.TrimSuffix(name, ".go"), "_"); ok && (system == "linux" || system == "unix" || system == "other") && strings.Contains(text, stem+"_*.go") {
				continue
			}
			t.Errorf("the documentation of package %s does not name %s", where, name)
		}
	}
}

// packageDoc returns the documentation of the package in the folder dir, joined from all its
// files.
func packageDoc(t *testing.T, dir string, files []string) string {
	t.Helper()
	var text strings.Builder
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if doc := docOf(f); doc != "" {
			text.WriteString(doc)
		}
	}
	return text.String()
}

// docOf returns the text of the comment before the package clause of a file.
func docOf(f *ast.File) string {
	if f.Doc == nil {
		return ""
	}
	return f.Doc.Text()
}
