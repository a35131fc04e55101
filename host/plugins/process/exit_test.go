package process

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/trust"
	chatv1 "github.com/botyard/botyard/sdk/proto/botyard/chat/v1"
	llmv1 "github.com/botyard/botyard/sdk/proto/botyard/llm/v1"
	pluginv1 "github.com/botyard/botyard/sdk/proto/botyard/plugin/v1"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

// prepareTestPlugin returns a launcher, and the prepared process of the test plugin with the
// mark.
func prepareTestPlugin(t *testing.T, mark string) (*Launcher, *Process) {
	t.Helper()
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
	_, err = f.WriteString("\nmark:" + mark + "\n" + "                    ")
	if err = errors.Join(err, f.Close(), os.Chmod(path, 0o755)); err != nil {
		t.Fatal(err)
	}
	runtime, err := NewRuntimeDir("/tmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runtime.Remove() })
	scanner := &discovery.Scanner{Dirs: []string{dir}, Owners: trust.Owners{}, Log: hclog.NewNullLogger(), PinnedSHA256: func(discovery.Ref) string { return "" }}
	l := &Launcher{
		Log: hclog.NewNullLogger(), Scanner: scanner, Runtime: runtime, Sanitizer: &Sanitizer{},
		Timing:       Timing{OutputGrace: 500 * time.Millisecond, ExitNotice: 250 * time.Millisecond, StopGrace: time.Minute},
		DroppedLines: func(discovery.Ref) *atomic.Int64 { return new(atomic.Int64) },
	}
	found, _ := scanner.Scan(nil)
	p, err := l.Prepare(Request{Binary: found[discovery.Ref{Kind: "llm", Name: "test"}], Settings: config.PluginSettings{StartTimeout: 10 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	return l, p
}

// TestProcess_Stop checks that a plugin outlives signals while its standard input is open, that
// the end of standard input lets a call at work finish, and that the plugin exits with status 0.
func TestProcess_Stop(t *testing.T) {
	l, p := prepareTestPlugin(t, "")
	p, err := l.Start(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pluginv1.NewPluginServiceClient(p.Conn).Configure(t.Context(), &pluginv1.ConfigureRequest{Instance: "i", Config: []byte(`{}`)}); err != nil {
		t.Fatal(err)
	}
	free := filepath.Join(t.TempDir(), "free")
	stream, err := llmv1.NewLLMServiceClient(p.Conn).Chat(t.Context(), &llmv1.ChatRequest{
		Call:     &chatv1.CallContext{Instance: "i"},
		Messages: []*chatv1.Message{{Role: chatv1.Role_ROLE_USER, Parts: []*chatv1.Part{{Part: &chatv1.Part_Text{Text: "hold " + free}}}}},
	})
	if err == nil {
		_, err = stream.Recv() // the call is at work
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(p.PID, s); err != nil {
			t.Fatal(err)
		}
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); p.Stop(context.Background()) }()
	time.Sleep(50 * time.Millisecond) // without this the test would pass, and test less
	if err := os.WriteFile(free, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = stream.Recv()
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("the call at work: %v", err)
	}
	<-stopped
	if got := p.ExitStatus(); got != "exit status 0" {
		t.Error(got)
	}
}

// TestProcess_endsBeforeItIsConnected checks that a process that ends between its handshake
// and its connection leaves no goroutine behind. With Start it would depend on chance how
// far go-plugin has come when the process ends, so the test starts the process and then
// connects.
func TestProcess_endsBeforeItIsConnected(t *testing.T) {
	before := goleak.IgnoreCurrent()
	_, p := prepareTestPlugin(t, "ghost")
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
	_, err := p.connect()
	go p.cleanUp()
	var start *StartError
	if err = p.abandon(t.Context(), err); !errors.As(err, &start) {
		t.Error(err)
	}
	if err := goleak.Find(before); err != nil {
		t.Error(err)
	}
}
