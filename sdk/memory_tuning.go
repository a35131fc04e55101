package sdk

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// TuneGC trades some memory for fewer collections in processes whose live heap is
// small and whose garbage is not, as a host's and a plugin's are: the heap may grow
// by up to 64 MiB, or to twice what lives, before it is collected, but to no more
// than five times. Go's own rule, twice, collects a heap of a few MiB dozens of times
// a second under load. A GOGC in the environment is obeyed instead. It is for main
// functions; Serve calls it.
func TuneGC() {
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
