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

// CPU is the time that the process has run so far, user and system.
func CPU(pid int) (time.Duration, error) {
	f, err := stat(pid)
	if err != nil {
		return 0, err
	}
	return ticks(f, fieldUser, fieldSystem)
}

// FamilyCPU is the time that the process and its children have run, those that ended
// too: a database server has one for each connection.
func FamilyCPU(pid int) (time.Duration, error) {
	own, err := stat(pid)
	if err != nil {
		return 0, err
	}
	sum, err := ticks(own, fieldUser, fieldSystem, fieldEnded, fieldEnded+1)
	if err != nil {
		return 0, err
	}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0, err
	}
	parent := strconv.Itoa(pid)
	for _, dir := range all {
		other, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		f, err := stat(other)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // ended meanwhile
		}
		if err != nil {
			return 0, err
		}
		if string(f[fieldParent]) != parent {
			continue
		}
		d, err := ticks(f, fieldUser, fieldSystem, fieldEnded, fieldEnded+1)
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// stat reads the fields behind the name, which may itself hold spaces and parentheses.
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
