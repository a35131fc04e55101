package plugins

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
	"github.com/botyard/botyard/host/plugins/process"
)

// left makes the plugin start a process, and returns the id of this process. way says how
// the process separates from the plugin, see leave in internal/testplugin.
func (h *host) left(i *Instance, way string) int {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "pid")
	h.ask(i, "leave "+way+" "+path)
	var pid int
	eventually(h.t, 20*time.Second, way+" runs", func() bool {
		text, err := os.ReadFile(path)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil && alive(pid)
	})
	return pid
}

// TestOrphans_endWithTheirPlugin checks that processes that a plugin started end when the
// plugin ends, and that processes of another plugin continue.
func TestOrphans_endWithTheirPlugin(t *testing.T) {
	for _, way := range []string{"child", "session", "daemon", "bare", "hidden"} {
		for _, end := range []string{"crash", "close"} {
			t.Run(way+", "+end, func(t *testing.T) {
				h := newHost(t, hostOptions{}, "test", "other")
				i, other := h.open(Spec{Name: "test"}), h.open(Spec{Name: "other"})
				neighbours := []int{h.left(other, "session"), h.left(other, "daemon")}
				pid := h.left(i, way)
				if end == "crash" {
					kill(t, h.pid(i))
				} else {
					h.supervisors[place{Ref: discovery.Ref{Kind: "llm", Name: "test"}}].shutdown(context.Background())
				}
				eventually(t, 20*time.Second, "it ends", func() bool { return !alive(pid) })
				h.ask(other, "hello")
				for _, n := range neighbours {
					if !alive(n) {
						t.Error("what another plugin started was killed")
					}
				}
				must(t, h.Close(context.Background()))
				for _, n := range neighbours {
					if alive(n) {
						t.Error("it outlives the host")
					}
				}
			})
		}
	}
}

// TestOrphans_childrenOfTheProgramGoOn checks that a child of the host is not killed as an
// orphan if the host does not adopt orphans.
func TestOrphans_childrenOfTheProgramGoOn(t *testing.T) {
	process.StopAdopting()
	defer func() { _ = process.AdoptOrphans() }()
	own := exec.Command("/bin/sleep", "300")
	own.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	must(t, own.Start())
	defer func() { _, _ = own.Process.Kill(), own.Wait() }()
	h := newHost(t, hostOptions{}, "test")
	kill(t, h.pid(h.open(Spec{Name: "test"})))
	eventually(t, 20*time.Second, "it ended", func() bool { return h.row("test").Restarts == 1 })
	process.SweepOrphans()
	if !alive(own.Process.Pid) {
		t.Error("a child of the program was killed")
	}
}

func TestOrphans_forkAllTheTime(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	pid := h.left(i, "forks")
	kill(t, h.pid(i))
	eventually(t, 20*time.Second, "it ends", func() bool { return !alive(pid) })
	count := func() (n int) {
		all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, path := range all {
			// a zombie has an empty cmdline
			if cmdline, _ := os.ReadFile(path); strings.Contains(string(cmdline), "forks-for-ever") {
				n++
			}
		}
		return n
	}
	eventually(t, 20*time.Second, "nothing of it is left", func() bool { process.SweepOrphans(); return count() == 0 })
}
