package trust

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const other = 12345 // a user id without an account on this machine

// tree creates entries with modes in a new folder and returns the folder. A name that ends in "/"
// is a folder, and "NAME -> TARGET" is a link.
func tree(t *testing.T, entries ...[2]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name, to, link := strings.Cut(e[0], " -> ")
		path := filepath.Join(dir, name)
		switch {
		case link:
			err = os.Symlink(to, path)
		case strings.HasSuffix(name, "/"):
			err = os.Mkdir(path, 0o700)
		default:
			err = os.WriteFile(path, nil, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range entries {
		mode := map[string]fs.FileMode{"0755": 0o755, "0777": 0o777, "1777": 0o777 | fs.ModeSticky, "0666": 0o666, "0775": 0o775, "0640": 0o640}[e[1]]
		if e[1] == "" {
			continue
		}
		if err := os.Chmod(filepath.Join(dir, e[0]), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func wantFinding(t *testing.T, err error, path, problem string) {
	t.Helper()
	var f Finding
	switch {
	case path == "" && err != nil:
		t.Errorf("%v", err)
	case path != "" && (!errors.As(err, &f) || f.Path != path || !strings.Contains(f.Problem, problem) || f.Mend == ""):
		t.Errorf("%v; want %s %s", err, path, problem)
	}
}

func TestOwners_CheckPath(t *testing.T) {
	for name, c := range map[string]struct {
		tree    [][2]string
		path    string
		at      string // the path of the Finding below the tree; empty if CheckPath returns nil
		problem string
	}{
		"ours":               {[][2]string{{"d/", "0755"}, {"d/f", "0755"}}, "d/f", "", ""},
		"its group's too":    {[][2]string{{"d/", "0775"}, {"d/f", "0775"}}, "d/f", "", ""},
		"everybody's file":   {[][2]string{{"d/", "0755"}, {"d/f", "0666"}}, "d/f", "d/f", "is writable by everyone"},
		"everybody's dir":    {[][2]string{{"d/", "0777"}, {"d/f", "0755"}}, "d/f", "d", "is writable by everyone"},
		"a parent":           {[][2]string{{"d/", "0777"}, {"d/e/", "0755"}, {"d/e/f", "0755"}}, "d/e/f", "d", "is writable by everyone"},
		"as /tmp":            {[][2]string{{"d/", "1777"}, {"d/e/", "0755"}, {"d/e/f", "0755"}}, "d/e/f", "", ""},
		"a folder as /tmp":   {[][2]string{{"d/", "1777"}}, "d", "d", "is writable by everyone"},
		"through a link":     {[][2]string{{"d/", "0755"}, {"e/", "0777"}, {"e/f", "0755"}, {"d/l -> ../e/f", ""}}, "d/l", "e", "is writable by everyone"},
		"a link's folder":    {[][2]string{{"d/", "0777"}, {"e/", "0755"}, {"e/f", "0755"}, {"d/l -> ../e/f", ""}}, "d/l", "d", "is writable by everyone"},
		"a link to a link":   {[][2]string{{"d/", "0755"}, {"e/", "0777"}, {"e/k -> ../d/f", ""}, {"d/f", "0755"}, {"d/l -> ../e/k", ""}}, "d/l", "e", "is writable by everyone"},
		"a ConfigMap":        {[][2]string{{"d/", "0755"}, {"d/..1/", "0755"}, {"d/..1/f", "0755"}, {"d/..data -> ..1", ""}, {"d/f -> ..data/f", ""}}, "d/f", "", ""},
		"everybody's folder": {[][2]string{{"d/", "0777"}}, "d", "d", "is writable by everyone"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, c.tree...)
			at := ""
			if c.at != "" {
				at = filepath.Join(dir, c.at)
			}
			wantFinding(t, Owners{}.CheckPath(filepath.Join(dir, c.path)), at, c.problem)
		})
	}
	if err := (Owners{}).CheckPath(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	round := filepath.Join(t.TempDir(), "round")
	if err := os.Symlink("round", round); err != nil {
		t.Fatal(err)
	}
	if err := (Owners{}).CheckPath(round); err == nil {
		t.Error("CheckPath accepts a link to itself")
	}
}
