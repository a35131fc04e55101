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

// Env names the variable with the folder that profiles are written to.
const Env = "BOTYARD_BENCH_PROFILES"

// The signals that begin and end a profile.
const (
	Begin = syscall.SIGUSR1
	End   = syscall.SIGUSR2
)

// Counts are what a process allocated from Begin to End.
type Counts struct {
	Allocs uint64 `json:"allocs"`
	Bytes  uint64 `json:"bytes"`
	GCs    uint32 `json:"gcs"`
	// Goroutines that there were at End.
	Goroutines int `json:"goroutines"`
}

// Files of a process's profiles in the folder.
func cpuFile(name string) string    { return name + ".cpu.pprof" }
func allocsFile(name string) string { return name + ".allocs.pprof" }
func countsFile(name string) string { return name + ".json" }
func stacksFile(name string) string { return name + ".goroutines.txt" }

// Watch makes this process obey Begin and End until it ends. It does nothing unless Env is set. name is
// the name of the files.
func Watch(name string) {
	dir := os.Getenv(Env)
	if dir == "" {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, Begin, End)
	// This rate shows what a turn allocates, and costs little.
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
	// This file is written last, and atomically. It tells the other process that all files are there.
	tmp := countsFile(path) + ".tmp"
	if err := os.WriteFile(tmp, counts, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, countsFile(path))
}
