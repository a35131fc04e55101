package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/botyard/botyard/host/bounds"
)

var beyond = regexp.MustCompile(`(?m)^\s*// beyond: (.+)$`)

// TestBounds_haveATestBeyond checks that each bound of host/bounds has a test with a comment
// "beyond: NAME", and that each such comment names a bound that exists.
func TestBounds_haveATestBeyond(t *testing.T) {
	tested := map[string]string{}
	for _, name := range files(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // git lists a file that was deleted but not committed
		}
		for _, match := range beyond.FindAllSubmatch(src, -1) {
			tested[string(match[1])] = name
		}
	}
	if len(tested) == 0 {
		t.Fatal("no test names a bound: the expression or the list of files is wrong")
	}
	for _, theme := range bounds.Table() {
		for _, b := range theme.Bounds {
			if b.Name == "" || b.What == "" || b.Answer == "" || b.Each+b.All+b.Key == "" {
				t.Errorf("%s: %q lacks a field", theme.Title, b.Name)
			}
			if tested[b.Name] == "" {
				t.Errorf("no test goes beyond the bound %q: one says so with a line \"// beyond: %s\"", b.Name, b.Name)
			}
			delete(tested, b.Name)
		}
	}
	for name, file := range tested {
		t.Errorf("%s: goes beyond a bound %q that host/bounds does not have", file, name)
	}
}
