package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	requirement = regexp.MustCompile(`(?m)^(?:require )?\t?([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)
	version     = regexp.MustCompile(`^v[0-9]+$`)
)

// TestDependencies_haveReasons checks that docs/architecture.md says why each dependency in a
// go.mod is needed. So a reviewer sees a new dependency together with its reason.
func TestDependencies_haveReasons(t *testing.T) {
	reasons := pageOf(t, "docs/architecture.md").text
	mods, err := filepath.Glob(filepath.Join(root, "*", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "plugins", "*", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range append(mods, more...) {
		if filepath.Base(filepath.Dir(mod)) == "tools" {
			continue // The dependencies of the module tools are listed by its tool lines.
		}
		src, err := os.ReadFile(mod)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range requirement.FindAllStringSubmatch(string(src), -1) {
			parts := strings.Split(m[1], "/")
			name := parts[len(parts)-1]
			if version.MatchString(name) {
				name = parts[len(parts)-2]
			}
			if !strings.HasPrefix(m[1], "github.com/botyard/") && !strings.Contains(reasons, name) {
				t.Errorf("%s needs %s, and docs/architecture.md does not say why", mod, m[1])
			}
		}
	}
}
