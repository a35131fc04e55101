package docstest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	quotedMessage = regexp.MustCompile(`"([^"]{4,})"`)
	loggedMessage = regexp.MustCompile("`([a-z][^`]{4,})`")
)

// sourceTexts returns all string constants in the tree's Go files except tests, one in each
// line.
func sourceTexts(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range files(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "bench/") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, name), nil, 0)
		if err != nil {
			continue // git lists a file that was deleted but not committed
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text, whole := joinedText(e); whole {
					all.WriteString(text + "\n")
					return false
				}
			}
			return true
		})
	}
	return all.String()
}

// joinedText returns the text of a string literal, or of string literals that are joined by +.
// whole is false for any other expression.
func joinedText(e ast.Expr) (text string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, err := strconv.Unquote(e.Value)
			return text, err == nil
		}
	case *ast.BinaryExpr:
		left, ok := joinedText(e.X)
		right, also := joinedText(e.Y)
		return left + right, ok && also && e.Op == token.ADD
	}
	return "", false
}

// TestMessages_ofTheSymptomsAreOfTheSource checks that the source has each message that
// docs/operations.md quotes as a symptom or as a line of the log, so that an operator who looks
// up a message finds it.
func TestMessages_ofTheSymptomsAreOfTheSource(t *testing.T) {
	p := pageOf(t, "docs/operations.md")
	_, rest, ok := strings.Cut(p.prose, "\n## Symptoms\n")
	symptoms, more, also := strings.Cut(rest, "\n## Lines of the log\n")
	lines, _, third := strings.Cut(more, "\n## ")
	if !ok || !also || !third {
		t.Fatal("docs/operations.md: the symptoms or the lines of the log have another heading now")
	}
	texts := sourceTexts(t)
	found := 0
	look := func(message string) {
		found++
		if !strings.Contains(texts, message) {
			t.Errorf("docs/operations.md: no message has %q any more", message)
		}
	}
	for line := range strings.SplitSeq(symptoms, "\n") {
		for _, m := range quotedMessage.FindAllStringSubmatch(line, -1) {
			look(m[1])
		}
	}
	for line := range strings.SplitSeq(lines, "\n") {
		if strings.HasPrefix(line, "| `") {
			first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			for _, m := range loggedMessage.FindAllStringSubmatch(first, -1) {
				look(m[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("only %d messages were found on the page", found)
	}
}
