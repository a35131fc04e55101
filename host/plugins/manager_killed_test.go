package plugins

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins/process"
)

// runTestHost runs a host with a plugin until TestManager_killedHost kills it.
func runTestHost() {
	m, err := New(Options{Dirs: []string{os.Getenv("BOTYARD_TEST_HOST")}, RuntimeDir: "/tmp"})
	if err != nil {
		panic(err)
	}
	if _, err := m.Open(context.Background(), Spec{Kind: "llm", Name: "test", Config: []byte(`{}`)}); err != nil {
		panic(err)
	}
	fmt.Println(m.Status()[0].PID, m.runtime.Path())
	select {}
}

func TestManager_killedHost(t *testing.T) {
	dir := t.TempDir()
	putPlugin(t, dir, "test", "")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "BOTYARD_TEST_HOST="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	release, err := process.Exempt(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pidText, runtime, _ := strings.Cut(strings.TrimSpace(line), " ")
	pid, err := strconv.Atoi(pidText)
	if err != nil || !alive(pid) {
		t.Fatalf("no plugin: %q", line)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // Wait returns an error because the host was killed
	eventually(t, 5*time.Second, "the plugin of a killed host ends", func() bool { return !alive(pid) })

	// A new host removes the runtime folder of the killed host.
	if _, err := os.Stat(runtime); err != nil {
		t.Fatalf("nothing to sweep: %v", err)
	}
	time.Sleep(1100 * time.Millisecond) // a host does not remove a folder younger than one second
	newHost(t, hostOptions{})
	if _, err := os.Stat(runtime); !os.IsNotExist(err) {
		t.Errorf("%s was not swept: %v", runtime, err)
	}
}
