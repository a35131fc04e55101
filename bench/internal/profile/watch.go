package profile

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// Env is the name of the environment variable with the folder for the profiles.
const Env = "BOTYARD_BENCH_PROFILES"

// The signals that begin and end a profile.
const (
	Begin = syscall.SIGUSR1
	End   = syscall.SIGUSR2
)

// Counts are what a process allocated between the signals Begin and End.
type Counts struct {
	Allocs uint64 `json:"allocs"`
	Bytes  uint64 `json:"bytes"`
	GCs    uint32 `json:"gcs"`
	// Goroutines is the number of goroutines at End.
	Goroutines int `json:"goroutines"`
}

// cpuFile, allocsFile, countsFile and stacksFile return the names of the files that Watch writes for the
// process with the given name.
func cpuFile(name string) string    { return name + ".cpu.pprof" }
func allocsFile(name string) string { return name + ".allocs.pprof" }
func countsFile(name string) string { return name + ".json" }
func stacksFile(name string) string { return name + ".goroutines.txt" }

// Watch makes this process profile itself from each signal Begin to the next signal End. It writes the
// profiles to files whose names begin with name, in the folder that the environment variable Env has.
// Without this variable Watch does nothing.
func Watch(name string) {
	dir := os.Getenv(Env)
	if dir == "" {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, Begin, End)
	// One sample for each 64 KiB shows the allocations of a turn and costs little.
	runtime.MemProfileRate = 64 << 10
	go func() {
		for {
			if err := session(filepath.Join(dir, name), signals); err != nil {
				fmt.Fprintln(os.Stderr, "profile:", err)
			}
		}
	}()
}

func session(path string, signals <-chan os.Signal) error {
	for <-signals != Begin {
	}
	out, err := os.Create(cpuFile(path))
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	for <-signals != End {
	}
	pprof.StopCPUProfile()
	runtime.ReadMemStats(&after)
	allocs, err := os.Create(allocsFile(path))
	if err != nil {
		return err
	}
	defer func() { _ = allocs.Close() }()
	if err := pprof.Lookup("allocs").WriteTo(allocs, 0); err != nil {
		return err
	}
	stacks, err := os.Create(stacksFile(path))
	if err != nil {
		return err
	}
	defer func() { _ = stacks.Close() }()
	if err := pprof.Lookup("goroutine").WriteTo(stacks, 1); err != nil {
		return err
	}
	counts, err := json.Marshal(Counts{
		Allocs: after.Mallocs - before.Mallocs, Bytes: after.TotalAlloc - before.TotalAlloc, GCs: after.NumGC - before.NumGC,
		Goroutines: runtime.NumGoroutine(),
	})
	if err != nil {
		return err
	}
	// The file of counts is written last and atomically, because Read takes its presence as the sign that
	// all files are complete.
	tmp := countsFile(path) + ".tmp"
	if err := os.WriteFile(tmp, counts, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, countsFile(path))
}
