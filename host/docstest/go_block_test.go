package docstest

import (
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Go that a page writes to a file is built by the page's commands; all other is a
// part of a file that the tests of the tree run.
func TestGoBlocks_areOfFiles(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.lang != "go" {
				continue
			}
			from, part := b.marks["part of"]
			switch {
			case part:
				src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(from)))
				if err != nil {
					t.Errorf("%s: %v", b.at(), err)
				} else if !strings.Contains(words(string(src)), words(b.text)) {
					t.Errorf("%s: is not in %s", b.at(), from)
				}
			case !b.has("file"):
				t.Errorf("%s: is neither written to a file nor a part of one, and so nobody compiles it", b.at())
				continue
			}
			if formatted, err := format.Source([]byte(b.text)); err != nil || string(formatted) != b.text {
				t.Errorf("%s: gofmt would change it: %v", b.at(), err)
			}
		}
	}
}

// words leaves out how a text is laid out.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }
