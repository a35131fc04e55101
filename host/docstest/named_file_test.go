package docstest

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var named = regexp.MustCompile("`((?:host|sdk|plugins|configs|bench|tools)/[a-z0-9_./-]+)`")

func TestFiles_ofPagesExist(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(p.prose, -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s: there is no %s", p.name, m[1])
			}
		}
	}
}
