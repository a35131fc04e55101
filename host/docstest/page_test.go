package docstest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the path of the tree's top folder from the folder of this package.
const root = "../.."

// block is a fenced code block of a page.
type block struct {
	page, lang string
	line       int               // the number of its first line of text in the page
	marks      map[string]string // from the comments on the lines before the block
	text       string
}

func (b *block) at() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

func (b *block) has(mark string) bool { _, ok := b.marks[mark]; return ok }

// languages has the language tags that a code block may have.
var languages = []string{"sh", "hcl", "yaml", "json", "go", "text", "mermaid", "sql"}

var marks = []string{"file", "output", "type", "part of", "invalid", "not run", "hosts", "fault", "fault bytes"}

var comment = regexp.MustCompile(`^<!-- ([a-z ]+?)(?:: (.*))? -->$`)

// page is a Markdown file of the documentation.
type page struct {
	name   string // the path from the tree's top folder
	text   string
	prose  string // the text without its code blocks
	blocks []*block
}

// pages reads the Markdown files in the tree's top folder and in docs.
func pages(t *testing.T) []*page {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md"} {
		more, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, more...)
	}
	if len(names) < 2 {
		t.Fatal("no pages in", root)
	}
	var out []*page
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		short, err := filepath.Rel(root, name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(filepath.ToSlash(short), string(src))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func parse(name, src string) (*page, error) {
	p := &page{name: name, text: src}
	var prose strings.Builder
	var open *block
	pending := map[string]string{}
	for i, line := range strings.Split(src, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open != nil && trimmed == "```":
			p.blocks, open = append(p.blocks, open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(trimmed, "```"):
			if line != trimmed {
				return nil, fmt.Errorf("%s:%d: an indented block; the tests read only those at the margin", name, i+1)
			}
			open = &block{page: name, lang: strings.TrimPrefix(trimmed, "```"), line: i + 2, marks: pending}
			pending = map[string]string{}
		default:
			m := comment.FindStringSubmatch(trimmed)
			switch {
			case m != nil && slices.Contains(marks, m[1]):
				pending[m[1]] = m[2]
			case len(pending) > 0:
				return nil, fmt.Errorf("%s:%d: a mark is not on the line before a block", name, i)
			}
			prose.WriteString(line + "\n")
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s:%d: a block that does not end", name, open.line)
	}
	p.prose = prose.String()
	return p, nil
}

func pageOf(t *testing.T, name string) *page {
	t.Helper()
	for _, p := range pages(t) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no page %s", name)
	return nil
}

// rows returns the cells of the rows in the page's tables whose first cell begins with inline
// code.
func rows(p *page) [][]string {
	var out [][]string
	for line := range strings.SplitSeq(p.prose, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(line, "| "), " | ") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		out = append(out, cells)
	}
	return out
}

func TestBlocks_areOfAKnownLanguage(t *testing.T) {
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if !slices.Contains(languages, b.lang) {
				t.Errorf("%s: the language %q; expected one of %s", b.at(), b.lang, strings.Join(languages, ", "))
			}
		}
	}
}

func TestBlocks_areMostlyRun(t *testing.T) {
	// These blocks are not run: make run, make test, measurements that take minutes, and
	// commands that need a database of an older version.
	const enough = 5
	n := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if b.has("not run") {
				n++
				if b.marks["not run"] == "" {
					t.Errorf("%s: no reason", b.at())
				}
			}
		}
	}
	if n > enough {
		t.Errorf("%d blocks are not run; at most %d may be", n, enough)
	}
}
