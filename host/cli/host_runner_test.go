package cli

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/hashicorp/go-hclog"
)

// lineWatch is a writer for a log. When a log line contains a key of waits, lineWatch calls the
// function of this key, once.
type lineWatch struct {
	mu    sync.Mutex
	waits map[string]func()
}

func (w *lineWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for text, act := range w.waits {
		if strings.Contains(string(p), text) {
			delete(w.waits, text)
			act()
		}
	}
	return len(p), nil
}

// TestHostRunner_hangupWhileOpening checks that a SIGHUP that comes while the host first reads
// its files makes the host read them again, and does not end the process.
func TestHostRunner_hangupWhileOpening(t *testing.T) {
	// If the runner did not catch SIGHUP, the signal would end the test's process. The test
	// catches it too, so that the test fails instead.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)

	dir := t.TempDir()
	for name, text := range map[string]string{
		"botyard.hcl":        "listen = \"127.0.0.1:0\"\nplugin_dirs = [\"plugins\"]\ntenant_dirs = [\"tenants\"]\n",
		"tenants/refuse.hcl": "nonsense = 1\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// the plugins of a host with default settings
	for _, name := range []string{"memory-buffer", "storage-memory"} {
		build := exec.Command("go", "build", "-o", filepath.Join(dir, "plugins", "botyard-"+name), "./cmd/botyard-"+name)
		build.Dir = filepath.Join("..", "..", "plugins", name)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	again := make(chan struct{})
	log := &lineWatch{waits: map[string]func(){
		"tenant refused": func() {
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Error(err)
			}
			<-caught // The process has received the signal, and so has the runner.
		},
		"host files read again": func() { close(again) },
	}}
	err := hostRunner{
		options: host.Options{ConfigFile: filepath.Join(dir, "botyard.hcl"), Log: hclog.New(&hclog.LoggerOptions{Output: log})},
		once:    true,
		ready: func(context.Context, *host.Host, string) error {
			select {
			case <-again:
			case <-time.After(10 * time.Second):
				t.Error("the files were not read again")
			}
			return nil
		},
	}.run(context.Background())
	if err != nil {
		t.Error(err)
	}
}
