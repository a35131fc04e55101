package docstest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binaries is the folder with the program botyard and the folder plugins, built once for all
// tests.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "botyard-docs")
	if err != nil {
		panic(err)
	}
	code := 1
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		binaries = dir
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	mains, err := filepath.Glob(filepath.Join(root, "plugins", "*", "cmd", "botyard-*"))
	if err != nil {
		return err
	}
	targets := map[string]string{"../cmd/botyard": filepath.Join(dir, "botyard")}
	for _, main := range mains {
		targets[main] = filepath.Join(dir, "plugins", filepath.Base(main))
	}
	for source, target := range targets {
		if out, err := exec.Command("go", "build", "-trimpath", "-o", target, source).CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", source, err, out)
		}
	}
	return nil
}

// files runs git ls-files with args in the top folder and returns the names of the files.
func files(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"ls-files", "-z"}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skip("git does not list the tree's files:", err)
	}
	var names []string
	for name := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		names = append(names, string(name))
	}
	return names
}

// checkout returns the path of a copy of the tree, as a user has it who cloned and built it.
func checkout(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "by") // The path is short, because sockets are created below it.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	dir := filepath.Join(parent, "botyard")
	for _, name := range files(t, "--cached", "--others", "--exclude-standard") {
		if err := copyFile(filepath.Join(root, name), filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin", "plugins"), 0o755); err != nil {
		t.Fatal(err)
	}
	built, err := filepath.Glob(filepath.Join(binaries, "plugins", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(built, filepath.Join(binaries, "botyard")) {
		short, err := filepath.Rel(binaries, path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, "bin", short)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	src, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, src, info.Mode().Perm())
}

// freePort returns a TCP port that no process listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// environment returns the environment of this process with the variables in set. It leaves out
// variables that change the output of commands on pages: GOWORK and all that begin with
// BOTYARD.
func environment(set ...string) []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "BOTYARD") && name != "GOWORK" {
			env = append(env, entry)
		}
	}
	// The pages show the output of the offline provider, so OLLAMA_HOST is an address without a
	// server.
	return append(env, append([]string{"OLLAMA_HOST=127.0.0.1:1", "LC_ALL=C"}, set...)...)
}
