package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected messages and values in testdata")

// table holds the expected messages for the files of one folder. In the file at path, each part
// begins with the line "== FILE" and has the messages below it.
type table struct {
	path string
	want map[string]string
	got  map[string]string
}

func openTable(t *testing.T, path string) *table {
	t.Helper()
	tb := &table{path: path, want: map[string]string{}, got: map[string]string{}}
	b, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq("\n"+string(b), "\n== ") {
		if name, text, ok := strings.Cut(part, "\n"); ok && name != "" {
			tb.want[name] = strings.TrimRight(text, "\n")
		}
	}
	t.Cleanup(func() { tb.close(t) })
	return tb
}

func (tb *table) check(t *testing.T, name, got string) {
	t.Helper()
	got = strings.TrimRight(got, "\n")
	tb.got[name] = got
	if !*update && got != tb.want[name] {
		t.Errorf("%s gives\n%s\nwant\n%s", name, got, tb.want[name])
	}
}

func (tb *table) close(t *testing.T) {
	for name := range tb.want {
		if _, ok := tb.got[name]; !ok && !*update {
			t.Errorf("%s expects messages of %s, which is not there", tb.path, name)
		}
	}
	if !*update {
		return
	}
	var b strings.Builder
	names := make([]string, 0, len(tb.got))
	for name := range tb.got {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "== %s\n%s\n\n", name, tb.got[name])
	}
	if err := os.WriteFile(tb.path, []byte(strings.TrimSuffix(b.String(), "\n")), 0o644); err != nil {
		t.Error(err)
	}
}

// cases returns the names of the files in a folder that are test cases. It leaves out want.txt
// and files with two dots in their names, which belong to another case.
func cases(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); n != "want.txt" && !strings.Contains(strings.TrimSuffix(n, filepath.Ext(n)), ".") {
			names = append(names, n)
		}
	}
	return names
}

// message returns the text of err. It fails the test if err is not Problems or if a problem has
// no position.
func message(t *testing.T, err error) string {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Errorf("got %v (%T), want Problems", err, err)
		return ""
	}
	for _, p := range problems {
		if p.Pos.File == "" {
			t.Errorf("%s has no position", p)
		}
	}
	return err.Error()
}

// settings returns the values of the comment lines "# KEY: VALUE" at the beginning of a case's
// file.
func settings(t *testing.T, path, key string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "# "+key+": "); ok {
			values = append(values, v)
		}
	}
	return values
}

func optional(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}
