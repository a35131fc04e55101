package sdk

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Shares of a container's memory that its processes hold themselves to: a host, and each of
// its plugins. Plugins seldom need theirs at the same time.
const (
	HostMemoryShare   = 0.4
	PluginMemoryShare = 0.2
)

// TuneMemory sets how this process's memory is collected. It is for main functions; Serve
// calls it.
//
// The heap may grow by up to 64 MiB, or to twice what lives, before it is collected, but
// to no more than five times. Go's own rule, twice, collects a heap of a few MiB dozens of
// times a second under load. A GOGC in the environment is obeyed instead.
//
// Where a control group limits the memory, the heap is collected more often from the given
// share of it on. A GOMEMLIMIT in the environment is obeyed instead.
//
// A process that comes to rest gives the memory back that it needed before.
func TuneMemory(share float64) {
	// Without a group or a limit there is nothing to do, and an error says just that.
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

// gcPercent is how far a heap of so many live bytes may grow, in percent of it.
func gcPercent(live uint64) int {
	return int(min(mostGCPercent, max(leastGCPercent, heapSlack*100/max(live, 1))))
}

// followGC sets the percentage anew after each collection: a finalizer runs when
// one has found its object dead, and makes the next.
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

// rest notices that a process has come to rest: that a while has passed without a
// collection. Go itself collects such a heap after two minutes, and gives its memory back
// bit by bit.
type rest struct {
	cycles uint64 // collections at the last look
	given  uint64 // collections when memory was given back; 0 for never
}

// restAfter is the time between two looks.
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

// due reports whether memory is to be given back, of a heap of so many bytes after so many
// collections.
func (r *rest) due(cycles, heap uint64) bool {
	resting := cycles == r.cycles && cycles != r.given
	r.cycles = cycles
	return resting && heap > heapSlack
}

// heapNow returns how many collections there were, and the bytes of the heap that are held
// of the system.
func heapNow() (cycles, heap uint64) {
	s := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64() + s[2].Value.Uint64() + s[3].Value.Uint64()
}
