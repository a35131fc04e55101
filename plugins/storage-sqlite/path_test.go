package sqlitestore

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

func TestResolvePath(t *testing.T) {
	for _, c := range []struct {
		path, dir, want string // want is empty if resolvePath returns an error
	}{
		{"botyard.db", "/data", "/data/botyard.db"},
		{"more/of.it.db", "/data", "/data/more/of.it.db"},
		{"./a/.b/..c/...d/e..db", "/data", "/data/a/.b/..c/...d/e..db"},
		{"a/../b.db", "/data", ""},
		{"/elsewhere/botyard.db", "", "/elsewhere/botyard.db"},
		{"/elsewhere/../botyard.db", "", "/botyard.db"},
		{"botyard.db", "", ""},
		{"/data/botyard.db", "/data", ""},
		{"/etc/passwd.db", "/data", ""},
		{"../botyard.db", "/data", ""},
		{"a/../../b.db", "/data", ""},
		{"botyard.db-wal", "/data", ""},
		{"botyard.db-shm", "/data", ""},
		{"botyard", "/data", ""},
		{".db", "/data", ""},
		{"", "/data", ""},
		{"botyard.db/", "/data", ""},
		{"a\x00.db", "/data", ""},
	} {
		t.Run(fmt.Sprintf("%q below %q", c.path, c.dir), func(t *testing.T) {
			got, err := resolvePath(c.path, c.dir)
			switch e := fault.Of(err); {
			case c.want == "" && (e == nil || e.Class != fault.Invalid || e.Path.String() != "path" || e.Party != fault.PartyTenant):
				t.Errorf("%q below %q: %q, %v; want it refused", c.path, c.dir, got, err)
			case c.want != "" && (err != nil || got != c.want):
				t.Errorf("%q below %q: %q, %v; want %q", c.path, c.dir, got, err, c.want)
			}
		})
	}
}

// TestDescribePath checks that resolvePath refuses every path that the schema refuses, and that the
// schema refuses some paths.
func TestDescribePath(t *testing.T) {
	parts := []string{"", ".", "..", "a", ".a", "..a", "a.", "x.db", ".db", "..db", "...db", "a.b.db", "x.sqlite", "db", "\n.db"}
	refused := 0
	for _, dir := range []string{"/data", ""} {
		var s struct {
			Properties struct {
				Path struct {
					AllOf []struct{ Pattern string }
				}
			}
		}
		if err := json.Unmarshal(describePath(Plugin().Info.ConfigSchema, dir), &s); err != nil || len(s.Properties.Path.AllOf) != 2 {
			t.Fatalf("%v, %+v", err, s)
		}
		accepts := func(path string) bool {
			for _, sub := range s.Properties.Path.AllOf {
				if !regexp.MustCompile(sub.Pattern).MatchString(path) {
					refused++
					return false
				}
			}
			return true
		}
		for _, a := range parts {
			for _, b := range parts {
				for _, c := range parts {
					path := a + "/" + b + "/" + c
					for _, path := range []string{path, c, "/" + c, b + "/" + c} {
						_, err := resolvePath(path, dir)
						if err == nil && !accepts(path) {
							t.Errorf("the schema refuses %q below %q", path, dir)
						}
						out := !filepath.IsLocal(path)
						if dir != "" && out && path != "" && accepts(path) {
							t.Errorf("the schema takes %q, which leads out of %q", path, dir)
						}
					}
				}
			}
		}
		plain := []string{"../x.db", "a/../../x.db", "a/../x.db", "a/..", "./../x.db", "/abs.db", "x.sqlite", "x.db-wal", ".db", "a/.db", "x.db/", "..", "."}
		if dir == "" {
			plain = []string{"x.db", "../x.db", "/x.sqlite", "/.db", "/a/x.db-shm"}
		}
		for _, path := range plain {
			if accepts(path) {
				t.Errorf("the schema takes %q below %q", path, dir)
			}
		}
	}
	if refused == 0 {
		t.Error("nothing is refused")
	}
}

// TestOpen_badPath checks that Open returns an error for paths at which no call can ever succeed.
func TestOpen_badPath(t *testing.T) {
	write := func(name, content string) func(*testing.T, string) string {
		return func(t *testing.T, dir string) string {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}
	}
	for what, c := range map[string]struct {
		make func(t *testing.T, dir string) string // make prepares dir and returns the data folder of the plugin
		want string
	}{
		"text":              {write("botyard.db", strings.Repeat("this is no database\n", 500)), "no SQLite database"},
		"folder":            {func(t *testing.T, dir string) string { return filepath.Dir(mkdir(t, dir, "botyard.db")) }, "opened for writing"},
		"file for a folder": {func(t *testing.T, dir string) string { return filepath.Join(write("f", "")(t, dir), "f") }, "cannot be made"},
		"another program's": {func(t *testing.T, dir string) string {
			inFile(t, dir, "CREATE TABLE theirs (a); PRAGMA user_version = 1")
			return dir
		}, "another program"},
		"another program's mark": {func(t *testing.T, dir string) string {
			inFile(t, dir, "PRAGMA application_id = 252006674")
			return dir
		}, "another program"},
		"read-only disk": {func(t *testing.T, _ string) string { return readOnly(t) }, "cannot be made"},
	} {
		t.Run(what, func(t *testing.T) {
			s, err := Open(Config{Path: "botyard.db"}, env(c.make(t, t.TempDir())))
			if err == nil {
				_ = s.Close()
			}
			e := fault.Of(err)
			if e == nil || e.Class != fault.Invalid || e.Path.String() != "path" || e.Party != fault.PartyTenant || !strings.Contains(e.Message, c.want) {
				t.Errorf("%+v; want it refused at path, since it %q", e, c.want)
			}
		})
	}
}

func readOnly(t *testing.T) string {
	t.Helper()
	dir := smallDisk(t, "size=1m")
	if err := makeReadOnly(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mkdir(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// inFile runs SQL statements on the database in dir, as another program would.
func inFile(t *testing.T, dir, statements string) {
	t.Helper()
	path := filepath.Join(dir, "botyard.db")
	if err := create(path); err != nil {
		t.Fatal(err)
	}
	w, err := connect(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.script(statements); err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
}

// TestCreate_fileModes checks that only the host's user can access the files and folders that a
// Store creates.
func TestCreate_fileModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := openStore(t, dir)
	end(t, s, begin(t, s))
	for path, want := range map[string]os.FileMode{
		filepath.Dir(dir): 0o700, dir: 0o700, filepath.Join(dir, "botyard.db"): 0o600,
		filepath.Join(dir, "botyard.db-wal"): 0o600, filepath.Join(dir, "botyard.db-shm"): 0o600,
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", path, info.Mode().Perm(), err, want)
			}
		})
	}
}
