package hostproc

import (
	"time"

	"github.com/botyard/botyard/bench/internal/procfs"
)

// Usage is the CPU time of processes by name.
type Usage map[string]time.Duration

// UsageOf returns the CPU time that the processes have used since their starts.
func UsageOf(pids map[string]int) (Usage, error) {
	out := Usage{}
	for name, pid := range pids {
		d, err := procfs.CPU(pid)
		if err != nil {
			return nil, err
		}
		out[name] = d
	}
	return out, nil
}

// AddWithChildren sets u[name] to the CPU time that the process and its children have used since their
// starts.
func (u Usage) AddWithChildren(name string, pid int) (err error) {
	u[name], err = procfs.CPUWithChildren(pid)
	return err
}

// Since returns u minus the earlier usage before.
func (u Usage) Since(before Usage) Usage {
	out := Usage{}
	for name, d := range u {
		out[name] = d - before[name]
	}
	return out
}

// PerTurn returns the CPU time divided by n turns, in microseconds.
func (u Usage) PerTurn(n int64) map[string]float64 {
	out := map[string]float64{}
	for name, d := range u {
		out[name] = float64(d.Microseconds()) / float64(max(n, 1))
	}
	return out
}
