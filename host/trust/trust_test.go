package trust

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const other = 12345 // a user who is nobody here

// tree makes files ("/" at the end: folders, "->": links) with modes below a new folder.
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

func TestUnchangeable(t *testing.T) {
	for name, c := range map[string]struct {
		tree    [][2]string
		path    string
		at      string // below the tree; empty: nothing is found
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
			wantFinding(t, Owners{}.Unchangeable(filepath.Join(dir, c.path)), at, c.problem)
		})
	}
	if err := (Owners{}).Unchangeable(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	round := filepath.Join(t.TempDir(), "round")
	if err := os.Symlink("round", round); err != nil {
		t.Fatal(err)
	}
	if err := (Owners{}).Unchangeable(round); err == nil {
		t.Error("a link to itself is well")
	}
}

func TestOwners(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := tree(t, [2]string{"d/", "0755"}, [2]string{"d/f", "0755"}, [2]string{"host", "0640"}, [2]string{"tmp/", "1777"}, [2]string{"tmp/e/", "0755"}, [2]string{"tmp/e/f", "0755"})
	give := func(names ...string) {
		t.Helper()
		for _, name := range names {
			if err := os.Lchown(filepath.Join(dir, name), other, other); err != nil {
				t.Fatal(err)
			}
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	give("d/f", "tmp/e")
	wantFinding(t, Owners{}.Unchangeable(in("d/f")), in("d/f"), "belongs to user 12345")
	wantFinding(t, Owners{}.Unchangeable(in("tmp/e/f")), in("tmp/e"), "belongs to user 12345")
	give("d", "host")
	wantFinding(t, Owners{}.Way(in("d/f")), in("d"), "belongs to user 12345")
	// Who may change the host's file may do all that the host does.
	wantFinding(t, Owners{}.With(in("host")).Unchangeable(in("d/f")), "", "")
	wantFinding(t, Owners{}.With(in("none")).With("").Way(in("d/f")), in("d"), "belongs to user 12345")
}

func TestSecret(t *testing.T) {
	dir := tree(t, [2]string{"f", "0640"})
	path := filepath.Join(dir, "f")
	for mode, want := range map[fs.FileMode]string{0o600: "", 0o400: "", 0o440: "", 0o640: "", 0o660: "", 0o644: "has mode 0644", 0o602: "has mode 0602", 0o601: "has mode 0601"} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		at := ""
		if want != "" {
			at = path
		}
		wantFinding(t, Owners{}.Secret(path, info), at, want)
	}
}

func TestVolumesOfPods(t *testing.T) {
	const mounts = `22 1 0:20 / / ro,relatime - overlay overlay rw
30 22 8:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/plugins /plugins rw,relatime shared:1 - ext4 /dev/sda1 rw
31 22 8:1 /srv/shared /shared rw,relatime - ext4 /dev/sda1 rw
32 22 0:44 / /memory rw,relatime - tmpfs tmpfs rw
33 22 8:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/x /over rw - ext4 /dev/sda1 rw
34 33 8:1 /srv/x /over rw - ext4 /dev/sda1 rw
35 22 8:1 /var/lib/kubelet/pods/1-2/volumes/kubernetes.io~empty-dir/y /a\040b rw - ext4 /dev/sda1 rw
`
	for _, pod := range []bool{false, true} {
		t.Setenv("KUBERNETES_SERVICE_HOST", map[bool]string{true: "10.0.0.1"}[pod])
		for path, want := range map[string]bool{"/plugins": true, "/plugins/sub": false, "/shared": false, "/memory": pod, "/over": false, "/a b": true, "/": false} {
			if got := isPodVolume(bufio.NewScanner(strings.NewReader(mounts)), path); got != want {
				t.Errorf("%s, in a pod %t: %t", path, pod, got)
			}
		}
	}
}

func TestQuote(t *testing.T) {
	for path, want := range map[string]string{"/a/b-1.x": "/a/b-1.x", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "": "''", "-x": "'-x'", "/$(id)": "'/$(id)'"} {
		if got := Quote(path); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}
