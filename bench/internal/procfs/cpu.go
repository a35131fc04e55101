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

// tick is the unit of the times in /proc. Linux calls its rate USER_HZ, which is 100 on all architectures
// that Go supports.
const tick = 10 * time.Millisecond

// Positions of fields in /proc/PID/stat, counted from 0 after the program's name.
const (
	fieldParent = 1
	fieldUser   = 11
	fieldSystem = 12
	fieldEnded  = 13 // user time of ended children; their system time follows
)

// CPU returns the user and system time that the process has used since its start, exact to the nanosecond.
func CPU(pid int) (time.Duration, error) {
	// ofProcess are the low bits of a clock id that select the CPU clock of a process, see
	// clock_getcpuclockid(3).
	const ofProcess = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|ofProcess), &ts); err != nil {
		return 0, fmt.Errorf("the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// CPUWithChildren returns the user and system time of the process and of its children, including children
// that have ended. A Postgres server has a child for each connection. The time is exact to 10 ms.
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

// children returns the process ids of the running children of a process.
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

// gone reports whether err, from reading a file in /proc, means that the process has ended.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// stat returns the fields of /proc/PID/stat that follow the program's name. It looks for the last
// parenthesis, because the name may contain spaces and parentheses.
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
