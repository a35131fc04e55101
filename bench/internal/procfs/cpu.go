package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// Fields of /proc/PID/stat behind the name.
const (
	fieldParent = 1
	fieldUser   = 11
	fieldSystem = 12
	fieldEnded  = 13 // user and system times of children that ended
)

// CPU returns the user and system time of the process so far, exact to the nanosecond.
func CPU(pid int) (time.Duration, error) {
	// The kernel's name for the CPU clock of another process: see clock_getcpuclockid(3).
	const ofProcess = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|ofProcess), &ts); err != nil {
		return 0, fmt.Errorf("the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// CPUWithChildren returns the time of the process and its children, ended ones included. A database
// server has a child for each connection. It is exact to a tick.
func CPUWithChildren(pid int) (time.Duration, error) {
	own, err := stat(pid)
	if err != nil {
		return 0, err
	}
	sum, err := ticks(own, fieldUser, fieldSystem, fieldEnded, fieldEnded+1)
	if err != nil {
		return 0, err
	}
	children, err := children(pid)
	if err != nil {
		return 0, err
	}
	for _, child := range children {
		f, err := stat(child)
		if gone(err) {
			continue
		}
		if err != nil {
			return 0, err
		}
		d, err := ticks(f, fieldUser, fieldSystem, fieldEnded, fieldEnded+1)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// children returns the ids of the process's children.
func children(pid int) ([]int, error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	parent := strconv.Itoa(pid)
	var out []int
	for _, dir := range all {
		other, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		f, err := stat(other)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if string(f[fieldParent]) == parent {
			out = append(out, other)
		}
	}
	return out, nil
}

// gone reports whether the error means that the process has ended.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// stat returns the fields of /proc/PID/stat after the name. The name may contain spaces and parentheses.
func stat(pid int) ([][]byte, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return nil, fmt.Errorf("/proc/%d/stat has no name", pid)
	}
	fields := bytes.Fields(b[end+1:])
	if len(fields) <= fieldEnded+1 {
		return nil, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	return fields, nil
}

func ticks(fields [][]byte, which ...int) (time.Duration, error) {
	var sum int64
	for _, i := range which {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return time.Duration(sum) * tick, nil
}
