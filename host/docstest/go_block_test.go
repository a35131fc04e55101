package docstest

import (
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoBlocks_areOfFiles checks that each block of Go is either written to a file, which the
// page's commands then build, or a part of a file of the tree. It also checks that gofmt would
// change no block.
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

// words returns s with one blank in place of each indentation, line end and run of blanks.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }
