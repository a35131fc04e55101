package readfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("file"), "0123456789")
	write(t, in("empty"), "")
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink("file", in("link")), os.Symlink("link", in("link to a link")), os.Symlink("nowhere", in("dangling")),
		os.Symlink("round", in("round")), os.Symlink("/dev/zero", in("device")), os.Mkdir(in("folder"), 0o700), syscall.Mkfifo(in("pipe"), 0o600),
		os.Symlink("pipe", in("link to a pipe")))
	large, err := os.Create(in("large"))
	must(err, large.Truncate(1<<30), large.Close())
	for name, want := range map[string]any{
		"file": "0123456789", "empty": "", "link": "0123456789", "link to a link": "0123456789",
		"dangling": fs.ErrNotExist, "nothing": fs.ErrNotExist, "round": syscall.ELOOP,
		"device": ErrIrregular, "folder": ErrIrregular, "pipe": ErrIrregular, "link to a pipe": ErrIrregular,
		"large": "has 1073741824 bytes; expected at most 10",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read(t.Context(), in(name), 10)
			var system *fs.PathError
			switch want := want.(type) {
			case error:
				if !errors.Is(err, want) || !errors.As(err, &system) || got != nil {
					t.Errorf("%q, %v", got, err)
				}
			case string:
				if err == nil && string(got) != want || err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	var large2 *SizeError
	if _, err := Read(t.Context(), in("file"), 9); !errors.As(err, &large2) || large2.Size != 10 || large2.Limit != 9 {
		t.Errorf("%v", err)
	}
	// Files of /proc have a size of 0. Read reads their contents up to the limit.
	if got, err := Read(t.Context(), "/proc/self/status", 1<<20); err != nil || !strings.Contains(string(got), "Pid:") {
		t.Errorf("%q %v", got, err)
	}
	if _, err := Read(t.Context(), "/proc/self/status", 10); !errors.As(err, &large2) {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(gone, in("file"), 10); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// moving is a Files whose OpenFile opens the file at path instead, and then calls opened.
type moving struct {
	osFiles
	path   string
	opened func()
}

func (m moving) OpenFile(_ string, flag int, perm fs.FileMode) (*os.File, error) {
	f, err := m.osFiles.OpenFile(m.path, flag, perm)
	m.opened()
	return f, err
}

// TestReadIn_replacedFile checks files that are replaced by a pipe, a folder or a larger file
// between Stat and OpenFile.
func TestReadIn_replacedFile(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "file"), "1")
	if text, stable, err := readOnce(moving{path: path, opened: func() {}}, path, 10); err != nil || !stable || string(text) != "1" {
		t.Fatalf("%q %v %v", text, stable, err)
	}
	pipe := path + ".pipe"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadIn(moving{path: pipe, opened: func() {}}, path, 10); !errors.Is(err, ErrIrregular) {
		t.Errorf("%q %v", got, err)
	}
	folder := filepath.Dir(path)
	if got, err := ReadIn(moving{path: folder, opened: func() {}}, path, 10); !errors.Is(err, ErrIrregular) {
		t.Errorf("%q %v", got, err)
	}
	// A larger file than the limit takes the place of the file after Stat.
	if got, err := ReadIn(moving{path: write(t, path+".large", strings.Repeat("x", 11)), opened: func() {}}, path, 10); got != nil || err == nil {
		t.Errorf("%q %v", got, err)
	}
}

func TestReadStable(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "file"), "1")
	look := func(text string, at int64) fs.FileInfo {
		write(t, path, text)
		if err := os.Chtimes(path, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	was := look("1", 1)
	if !unchanged(was, look("1", 1)) || unchanged(was, look("2", 2)) || unchanged(was, look("12", 1)) {
		t.Error("a change is not noticed")
	}
	for _, times := range []int{0, 1, maxTries - 1, maxTries} {
		n := 0
		text, err := readStable(func() (string, bool, error) {
			n++
			return "text", n > times, nil
		})
		if want := times < maxTries; (err == nil) != want || !want && !errors.Is(err, ErrChanging) || want && (text != "text" || n != times+1) {
			t.Errorf("changed %d times: %q %v after %d", times, text, err, n)
		}
	}
}
