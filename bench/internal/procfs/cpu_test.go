package procfs

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestCPUWithChildren checks that CPUWithChildren counts the time of a child while the child runs and after it
// has ended.
func TestCPUWithChildren(t *testing.T) {
	of := func(what string, f func(int) (time.Duration, error)) time.Duration {
		d, err := f(os.Getpid())
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return d
	}
	before := of("family", CPUWithChildren)
	child := exec.Command("sh", "-c", "while :; do :; done")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	used := time.Duration(0)
	for deadline := time.Now().Add(time.Minute); used < 200*time.Millisecond && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		used, _ = CPU(child.Process.Pid)
	}
	running := of("family", CPUWithChildren) - before
	if running+4*tick < used { // CPUWithChildren rounds to ticks
		t.Errorf("the family used %s, its running child alone %s", running, used)
	}
	own := of("own", CPU)
	_ = child.Process.Kill()
	_ = child.Wait()
	if ended := of("family", CPUWithChildren) - before; ended < running {
		t.Errorf("the family used %s when the child had ended and %s before", ended, running)
	}
	if again := of("own", CPU) - own; again > used {
		t.Errorf("the child's end cost its parent %s by itself", again)
	}
	if used == 0 || OwnCPU() == 0 {
		t.Error("no time was used")
	}
}
