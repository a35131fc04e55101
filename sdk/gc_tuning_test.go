package sdk

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 16 << 20: 400, 32 << 20: 200, 64 << 20: 100, 1 << 30: 100} {
		if got := gcPercent(live); got != want {
			t.Errorf("%d MiB live: %d %%; want %d", live>>20, got, want)
		}
	}
	t.Setenv("GOGC", "")
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	TuneMemory(PluginMemoryShare)
	kept := make([]byte, 200<<20)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		runtime.GC()
		if percent := debug.SetGCPercent(-1); percent == leastGCPercent {
			debug.SetGCPercent(percent)
			break
		} else if debug.SetGCPercent(percent); time.Now().After(deadline) {
			t.Fatalf("%d %% with %d MiB live", percent, len(kept)>>20)
		}
	}
	runtime.KeepAlive(kept)
}

func TestRest_due(t *testing.T) {
	const large = 500 << 20
	r := &rest{}
	for n, look := range []struct {
		cycles, heap uint64
		due          bool
	}{
		{3, large, false}, // there were collections since the last check
		{3, large, true},
		{4, large, false}, // returning memory is itself one collection
		{4, large, false}, // memory was returned already
		{9, large, false},
		{9, heapSlack, false}, // a small heap is not worth returning
		{9, large, true},
	} {
		if due := r.due(look.cycles, look.heap); due != look.due {
			t.Errorf("look %d: due %v", n, due)
		} else if due {
			r.given = look.cycles + 1
		}
	}
}
