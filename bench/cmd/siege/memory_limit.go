package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/botyard/botyard/bench/internal/procfs"
)

// limit is a memory limit. A Linux control group, of version 2 or 1, enforces it. If no control group can
// be created, the memory is only watched.
type limit struct {
	bytes int64
	dir   string // folder of the control group, or empty
}

// newLimit creates the control group. If newLimit cannot create the group, it returns an error and also a
// limit that only watches the memory. The caller removes the limit.
func newLimit(bytes int64) (limit, error) {
	name := fmt.Sprintf("botyard-siege-%d", os.Getpid())
	var errs []error
	for _, try := range []struct{ root, key string }{
		{"/sys/fs/cgroup", "memory.max"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
	} {
		if _, err := os.Stat(filepath.Join(try.root, "cgroup.procs")); err != nil {
			errs = append(errs, err)
			continue
		}
		dir := filepath.Join(try.root, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, try.key), []byte(strconv.FormatInt(bytes, 10)), 0); err != nil {
			errs = append(errs, err)
			_ = os.Remove(dir)
			continue
		}
		return limit{bytes, dir}, nil
	}
	return limit{bytes: bytes}, errors.Join(errs...)
}

// procs returns the file to which a process writes its id to join the control group. Without a control
// group it returns "".
func (l limit) procs() string {
	if l.dir == "" {
		return ""
	}
	return filepath.Join(l.dir, "cgroup.procs")
}

// remove removes the control group. It waits up to five seconds for the group's processes to end.
func (l limit) remove() {
	for range 50 {
		if l.dir == "" || os.Remove(l.dir) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// kills returns how many processes of the control group the kernel killed because the memory limit was
// reached.
func (l limit) kills() int {
	for _, name := range []string{"memory.events", "memory.oom_control"} {
		b, err := os.ReadFile(filepath.Join(l.dir, name))
		if l.dir == "" || err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			if count, ok := strings.CutPrefix(line, "oom_kill "); ok {
				n, _ := strconv.Atoi(strings.TrimSpace(count))
				return n
			}
		}
	}
	return 0
}

// peak returns the most bytes that the control group ever used, the page cache of its files included.
func (l limit) peak() (int64, error) {
	var errs []error
	for _, name := range []string{"memory.peak", "memory.max_usage_in_bytes"} {
		b, err := os.ReadFile(filepath.Join(l.dir, name))
		if err == nil {
			return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
		}
		errs = append(errs, err)
	}
	return 0, errors.Join(errs...)
}

// watch watches the memory of the process and of its descendants. The caller calls the returned function
// once. The returned function returns an error if the limit was exceeded.
//
// With a control group the kernel watches, and watch itself measures only at the end: to measure a process
// takes the kernel milliseconds of a processor, which the neighbours' turns would wait for.
func (l limit) watch(ctx context.Context, pid int) func() error {
	if l.dir == "" {
		return l.measure(ctx, pid)
	}
	return func() error {
		byProgram, err := procfs.TreePSS(pid)
		if err != nil {
			return err
		}
		for name, n := range byProgram {
			byProgram[name] = n >> 20
		}
		peak, err := l.peak()
		if err != nil {
			return err
		}
		fmt.Printf("host and plugins used %d MiB at most so far, files included, and now %v\n", peak>>20, byProgram)
		return l.killed()
	}
}

// killed returns an error if the kernel killed a process because the memory limit was reached. With a
// control group the limit is never exceeded, because the kernel kills a process first.
func (l limit) killed() error {
	if n := l.kills(); n > 0 {
		return fmt.Errorf("%d processes were killed for lack of memory: %d MiB are allowed", n, l.bytes>>20)
	}
	return nil
}

// measure measures the memory of the process and of its descendants every 250 ms. The caller calls the
// returned function once. The returned function stops the measurements and returns an error if the limit
// was exceeded.
func (l limit) measure(ctx context.Context, pid int) func() error {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var peak int64
	var peakByProgram map[string]int64 // MiB of each program when the sum was highest
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if now, err := procfs.TreePSS(pid); err == nil {
				sum := int64(0)
				for name, n := range now {
					sum += n
					now[name] = n >> 20
				}
				if sum > peak {
					peak, peakByProgram = sum, now
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	return func() error {
		cancel()
		<-done
		fmt.Printf("host and plugins used %d MiB at most, %v\n", peak>>20, peakByProgram)
		if peak > l.bytes {
			return fmt.Errorf("host and plugins used %d MiB: at most %d were allowed", peak>>20, l.bytes>>20)
		}
		return nil
	}
}
