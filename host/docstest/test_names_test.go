package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	namedTest = regexp.MustCompile(`\bTest[A-Z]\w+`)
	runFlag   = regexp.MustCompile(`-run '?([A-Za-z]+)`)
)

// TestTestNames_ofPagesExist checks that each test that a page names exists. Without this check
// a wrong name stays unnoticed, because "go test -run NAME" succeeds if no test has the name.
func TestTestNames_ofPagesExist(t *testing.T) {
	known := map[string]bool{}
	var all strings.Builder
	for _, name := range files(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(name, "_test.go") {
			continue
		}
		src, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // git lists a file that was deleted but not committed
		}
		for _, m := range testFunc.FindAllSubmatch(src, -1) {
			known[string(m[1])] = true
			all.WriteString(string(m[1]) + "\n")
		}
	}
	for _, p := range pages(t) {
		text := p.prose
		for _, b := range p.blocks {
			if b.lang == "sh" || b.lang == "text" {
				text += b.text
			}
		}
		for _, name := range namedTest.FindAllString(text, -1) {
			if !known[name] {
				t.Errorf("%s: there is no test %s", p.name, name)
			}
		}
		for _, m := range runFlag.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(all.String(), m[1]) {
				t.Errorf("%s: -run %s runs no test", p.name, m[1])
			}
		}
	}
}
