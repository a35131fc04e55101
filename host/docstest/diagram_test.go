package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	diagramCall = regexp.MustCompile(`\b([A-Za-z]\w*)\(\)`)
	goFunc      = regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?(\w+)[\[(]`)
)

// TestSequenceDiagrams_nameFunctions checks that each name() in a sequence diagram of a page is
// a function or a method in the source, so that a reader can find it.
func TestSequenceDiagrams_nameFunctions(t *testing.T) {
	known := map[string]bool{}
	for _, name := range files(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, ".pb.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // git lists a file that was deleted but not committed
		}
		for _, m := range goFunc.FindAllSubmatch(src, -1) {
			known[string(m[1])] = true
		}
	}
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang != "mermaid" || !strings.HasPrefix(b.text, "sequenceDiagram") {
				continue
			}
			for _, m := range diagramCall.FindAllStringSubmatch(b.text, -1) {
				if !known[m[1]] {
					t.Errorf("%s: there is no function %s", b.at(), m[1])
				}
			}
		}
	}
}
