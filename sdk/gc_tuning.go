package sdk

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// HostMemoryShare and PluginMemoryShare are the parts of a container's memory that the host and
// each plugin process use at most. The shares of many plugins may exceed the whole, because plugins
// seldom need their shares at the same time.
const (
	HostMemoryShare   = 0.4
	PluginMemoryShare = 0.2
)

// TuneMemory sets how often the garbage collector of this process runs. Main functions call it.
// Serve calls it too.
//
// The heap may grow by 64 MiB, or to twice the live bytes if that is more, before it is collected.
// It never grows to more than five times the live bytes. Go's default, which is twice the live
// bytes, collects a heap of a few MiB dozens of times a second under load. If the environment sets
// GOGC, that value applies instead.
//
// If a control group limits the memory, the heap is collected more often once the process uses the
// given share of the limit. If the environment sets GOMEMLIMIT, that value applies instead.
//
// A process without collections for a while returns its unused memory to the system.
func TuneMemory(share float64) {
	// memlimit.Set returns an error when there is no control group or no limit. There is nothing to
	// do then.
	_, _ = memlimit.Set(memlimit.WithRatio(share), memlimit.WithProvider(memlimit.FromCgroup))
	new(rest).follow()
	if os.Getenv("GOGC") != "" {
		return
	}
	debug.SetGCPercent(mostGCPercent)
	followGC()
}

const (
	leastGCPercent = 100
	mostGCPercent  = 400
	heapSlack      = 64 << 20
)

// gcPercent returns by how many percent a heap with live bytes may grow before the next collection.
func gcPercent(live uint64) int {
	return int(min(mostGCPercent, max(leastGCPercent, heapSlack*100/max(live, 1))))
}

// followGC updates the percentage after each garbage collection. It uses a finalizer, which runs
// after a collection and then sets itself again.
func followGC() {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	set := mostGCPercent
	var again func(*[16]byte)
	again = func(mark *[16]byte) {
		metrics.Read(sample)
		if percent := gcPercent(sample[0].Value.Uint64()); percent != set {
			set = percent
			debug.SetGCPercent(percent)
		}
		runtime.SetFinalizer(mark, again)
	}
	runtime.SetFinalizer(new([16]byte), again)
}

// rest detects that a process is at rest, which means that it had no garbage collection between two
// checks. Go by itself collects the heap of a resting process only after two minutes, and returns
// the memory slowly.
type rest struct {
	// cycles is the number of collections at the last check.
	cycles uint64
	// given is the number of collections when memory was last returned to the system. 0 means
	// never.
	given uint64
}

// restAfter is the time between two checks of rest.
const restAfter = 20 * time.Second

func (r *rest) follow() {
	time.AfterFunc(restAfter, func() {
		if cycles, heap := heapNow(); r.due(cycles, heap) {
			debug.FreeOSMemory()
			r.given, _ = heapNow()
		}
		r.follow()
	})
}

// due is called at each check, and reports whether the process should return memory to the system.
// cycles is the number of collections until now, heap the size of the heap in bytes.
func (r *rest) due(cycles, heap uint64) bool {
	resting := cycles == r.cycles && cycles != r.given
	r.cycles = cycles
	return resting && heap > heapSlack
}

// heapNow returns the number of collections until now, and the bytes of heap that the process has
// from the system.
func heapNow() (cycles, heap uint64) {
	s := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64() + s[2].Value.Uint64() + s[3].Value.Uint64()
}
