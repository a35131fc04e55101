package docstest

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTree_namesNoMachine checks that no file of the tree has the path of a home folder, the
// path of this tree, or the name of this machine's Go module proxy.
func TestTree_namesNoMachine(t *testing.T) {
	patterns := []*regexp.Regexp{
		regexp.MustCompile(`(^|[^A-Za-z0-9._~-])/(home|Users)/[A-Za-z0-9._-]+/`),
		regexp.MustCompile(`(^|[^A-Za-z0-9._~-])/root/`),
	}
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(top, "/") > 1 { // a path of one segment could also be ordinary text
		patterns = append(patterns, regexp.MustCompile(regexp.QuoteMeta(top)+`\b`))
	}
	for _, host := range registries(t) {
		patterns = append(patterns, regexp.MustCompile(regexp.QuoteMeta(host)))
	}
	for _, name := range files(t, "--cached", "README.md", "docs", ".") {
		src, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // git lists a file that was deleted but not committed
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if bytes.IndexByte(src, 0) >= 0 || filepath.Base(name) == "machine_test.go" {
			continue
		}
		for _, p := range patterns {
			if at := p.FindIndex(src); at != nil {
				t.Errorf("%s:%d: has %q", name, 1+bytes.Count(src[:at[0]], []byte("\n")), src[at[0]:at[1]])
			}
		}
	}
}

// registries returns the names of the module proxies in GOPROXY.
func registries(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOPROXY").Output()
	if err != nil {
		t.Fatal(err)
	}
	var hosts []string
	for _, entry := range strings.FieldsFunc(string(out), func(r rune) bool { return strings.ContainsRune(",|\n ", r) }) {
		if u, err := url.Parse(entry); err == nil && u.Hostname() != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}
