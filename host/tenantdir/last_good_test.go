package tenantdir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLastGood_servesAfterRestart(t *testing.T) {
	r := newRig(t)
	r.write("a.hcl", `v = "secret-1"`)
	r.load()
	entries, err := os.ReadDir(r.data)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	sealed, err := os.ReadFile(filepath.Join(r.data, entries[0].Name()))
	if err != nil || len(sealed) == 0 || containsText(sealed, "secret-1") {
		t.Errorf("the last good settings are readable: %s %v", sealed, err)
	}
	r.write("a.hcl", `v = `)
	r.restart()
	r.load()
	if v, err := r.get("a"); v != "secret-1" || err == nil {
		t.Errorf("served %q, error %v", v, err)
	}
	r.write("a.hcl", `v = 2`)
	r.restart()
	r.load()
	if v, err := r.get("a"); v != "2" || err != nil {
		t.Errorf("served %q, error %v", v, err)
	}
}

// TestLastGood_ofAnEarlierBuild checks a last good document with an empty value. Earlier
// versions of the host accepted the value as null, and this version refuses it. The tenant must
// still be served, and the problem of its file must be reported.
func TestLastGood_ofAnEarlierBuild(t *testing.T) {
	r := newRig(t)
	r.write("a.yaml", "v: kept\nw:\n")
	must(t, r.o.LastGood.put(lastGoodDocument{ID: "a", Path: filepath.Join(r.dir, "a.yaml"), Source: []byte("v: kept\nw:\n")}))
	r.load()
	if v, err := r.get("a"); v != "kept" || err == nil || !strings.Contains(err.Error(), "a.yaml:2:1: w: is empty") {
		t.Errorf("served %q, error %v", v, err)
	}
}

func containsText(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if string(b[i:i+len(s)]) == s {
			return true
		}
	}
	return false
}
