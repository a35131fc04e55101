package process

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/trust"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

// TestProcess_endsBeforeItIsConnected checks that a process that ends between its handshake
// and its connection leaves no goroutine behind. With Start it would depend on chance how
// far go-plugin has come when the process ends, so the test starts the process and then
// connects.
func TestProcess_endsBeforeItIsConnected(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "botyard-llm-test")
	if text, err := exec.Command("go", "build", "-o", path, "../internal/testplugin").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\nmark:ghost\n" + "                    ")
	if err = errors.Join(err, f.Close(), os.Chmod(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	runtime, err := NewRuntimeDir("/tmp")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = runtime.Remove() }()
	scanner := &discovery.Scanner{Dirs: []string{dir}, Owners: trust.Owners{}, Log: hclog.NewNullLogger(), PinnedSHA256: func(discovery.Ref) string { return "" }}
	l := &Launcher{
		Log: hclog.NewNullLogger(), Scanner: scanner, Runtime: runtime, Sanitizer: &Sanitizer{},
		Timing:       Timing{OutputGrace: 500 * time.Millisecond, ExitNotice: 250 * time.Millisecond},
		DroppedLines: func(discovery.Ref) *atomic.Int64 { return new(atomic.Int64) },
	}
	before := goleak.IgnoreCurrent()
	found, _ := scanner.Scan(nil)
	p, err := l.Prepare(Request{Binary: found[discovery.Ref{Kind: "llm", Name: "test"}], Settings: config.PluginSettings{StartTimeout: 10 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.Start(); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	// Exited returns true as soon as go-plugin knows that the process has ended.
	for end := time.Now().Add(5 * time.Second); !p.client.Exited(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("go-plugin does not know")
		}
	}
	time.Sleep(50 * time.Millisecond)
	_, err = p.connect()
	go p.cleanUp()
	var start *StartError
	if err = p.abandon(t.Context(), err); !errors.As(err, &start) {
		t.Error(err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
