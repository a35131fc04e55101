package plugins

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
	"github.com/hashicorp/go-hclog"
)

// shortDir returns a new folder for runtime folders. Its path is short, because the paths
// of sockets in it have a maximum length.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// TestRuntimeDir_isMadeAgain checks that plugins can be started after the runtime folder
// was damaged in ways in which cleaners of temporary files and users damage it.
func TestRuntimeDir_isMadeAgain(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"removed": func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) },
		"emptied": func(t *testing.T, dir string) {
			all, err := filepath.Glob(dir + "/*")
			must(t, err)
			for _, path := range all {
				must(t, os.RemoveAll(path))
			}
		},
		"another": func(t *testing.T, dir string) { must(t, os.RemoveAll(dir), os.Mkdir(dir, 0o700)) },
		"a file":  func(t *testing.T, dir string) { must(t, os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
		"a link":  func(t *testing.T, dir string) { must(t, os.Rename(dir, dir+"x"), os.Symlink(dir+"x", dir)) },
		"no TMP":  func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Dir(dir))) },
		"no lock": func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, process.RuntimeLockName))) },
		// a test that runs as root can still write
		"readonly": func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o500)) },
		"no sockets": func(t *testing.T, dir string) {
			sockets, err := filepath.Glob(dir + "/*/*/*")
			if must(t, err); len(sockets) == 0 {
				t.Fatal("no socket to remove")
			}
			for _, s := range sockets {
				must(t, os.Remove(s))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			parent := shortDir(t)
			h := newHost(t, hostOptions{
				options: func(o *Options) { o.RuntimeDir = parent },
				timing:  func(tm *timing) { tm.probeEvery = 50 * time.Millisecond },
			}, "test", "other")
			i := h.open(Spec{Name: "test"})
			pid := h.pid(i)
			before := h.runtime.Path()
			damage(t, before)
			if got := h.pid(i); got != pid {
				t.Error("the process that ran was ended")
			}
			taken := name == "a file" || name == "a link" || name == "another" // another file is at the folder's path
			if !taken {
				eventually(t, 20*time.Second, "what runs can make temporary files", func() bool {
					_, err := ask(context.Background(), i, "t", "tempfile")
					return err == nil
				})
			}
			h.ask(h.open(Spec{Name: "other"}), "hello")
			kill(t, pid)
			awaitDeath(t, pid)
			h.ask(i, "hello")
			if st := h.row("test"); st.State != Ready || st.Restarts != 1 || h.launcher.Launches() != 3 {
				t.Errorf("%d starts; status = %+v", h.launcher.Launches(), st)
			}
			// RemoveAbandoned of another host must not remove the folder that this host
			// uses.
			if _, err := os.Stat(filepath.Join(h.runtime.Path(), process.RuntimeLockName)); err != nil {
				t.Errorf("who looks after killed hosts does not see this one: %v", err)
			}
			old := time.Now().Add(-time.Hour)
			must(t, os.Chtimes(filepath.Join(h.runtime.Path(), process.RuntimeLockName), old, old))
			process.RemoveAbandoned(parent)
			if _, err := os.Stat(h.runtime.Path()); err != nil {
				t.Error(err)
			}
			must(t, h.Close(context.Background()))
			if taken {
				_ = os.RemoveAll(before) // the host must not remove the file of another program
				_ = os.RemoveAll(before + "x")
			}
			if left, _ := os.ReadDir(parent); len(left) != 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestRuntimeDir_tooLong(t *testing.T) {
	long := filepath.Join("/tmp", strings.Repeat("long", 12))
	_, err := New(Options{RuntimeDir: long, Log: hclog.NewNullLogger()})
	if err == nil || !strings.Contains(err.Error(), long) || !strings.Contains(err.Error(), "too long") {
		t.Errorf("err = %v", err)
	}
}
