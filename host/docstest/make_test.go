package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	target   = regexp.MustCompile("`make ([a-z][a-z-]*)`|(?m)^make ([a-z][a-z-]*)")
	rule     = regexp.MustCompile(`(?m)^([a-z][a-z -]*):`)
	phony    = regexp.MustCompile(`(?m)^\.PHONY: (.*)$`)
	helpLine = regexp.MustCompile(`(?m)^([a-z-]+):.*## `)
)

func makefile(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestMakefile_hasTheTargetsThatPagesName(t *testing.T) {
	src := makefile(t)
	known := map[string]bool{}
	for _, m := range rule.FindAllStringSubmatch(src, -1) {
		for _, name := range strings.Fields(m[1]) {
			known[name] = true
		}
	}
	for _, p := range pages(t) {
		for _, m := range target.FindAllStringSubmatch(p.text, -1) {
			if name := m[1] + m[2]; !known[name] {
				t.Errorf("%s: make has no target %s", p.name, name)
			}
		}
	}
	// Where a page says "make run", command_test.go runs "botyard dev". So both must be equal.
	if !regexp.MustCompile(`(?m)^run: build .*\n\t@exec \$\(BIN\)/botyard dev$`).MatchString(src) {
		t.Error("Makefile: make run is no longer botyard dev, which command_test.go runs in its place")
	}
}

func TestMakefile_helpHasEachTarget(t *testing.T) {
	src := makefile(t)
	// the target "go" is a check that other targets need; users do not call it
	helped := map[string]bool{"go": true}
	for _, m := range helpLine.FindAllStringSubmatch(src, -1) {
		helped[m[1]] = true
	}
	for _, name := range strings.Fields(phony.FindStringSubmatch(src)[1]) {
		if !helped[name] {
			t.Errorf("Makefile: the target %s has no text behind ## for make help", name)
		}
	}
}
