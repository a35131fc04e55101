package procfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Memory is the resident memory of a process, in KiB. PSS divides shared pages among the processes that
// map them, so sums of PSS are meaningful.
type Memory struct {
	RSS int64 `json:"rss_kib"`
	PSS int64 `json:"pss_kib"`
}

// MemoryOf returns the memory of a process. Hosts and plugins are not dumpable, so only root may read
// their PSS. For others PSS is RSS.
func MemoryOf(pid int) (Memory, error) {
	var m Memory
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if errors.Is(err, fs.ErrPermission) {
		return residentOf(pid)
	}
	if err != nil {
		return m, err
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		_, _ = fmt.Sscanf(lines.Text(), "Rss: %d kB", &m.RSS)
		_, _ = fmt.Sscanf(lines.Text(), "Pss: %d kB", &m.PSS)
	}
	return m, lines.Err()
}

// TreePSS returns the PSS of the process and all its descendants, in bytes, by name of the program.
func TreePSS(pid int) (map[string]int64, error) {
	out := map[string]int64{}
	return out, addPSS(out, pid)
}

func addPSS(to map[string]int64, pid int) error {
	m, err := MemoryOf(pid)
	if err != nil {
		return err
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return err
	}
	program, _, _ := strings.Cut(string(line), "\x00")
	to[filepath.Base(program)] += m.PSS << 10
	below, err := children(pid)
	if err != nil {
		return err
	}
	for _, child := range below {
		if err := addPSS(to, child); err != nil && !gone(err) {
			return err
		}
	}
	return nil
}

// residentOf returns the resident memory, which every user may read.
func residentOf(pid int) (Memory, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return Memory{}, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(b), &size, &resident); err != nil {
		return Memory{}, fmt.Errorf("/proc/%d/statm: %w", pid, err)
	}
	kib := resident * int64(os.Getpagesize()) >> 10
	return Memory{RSS: kib, PSS: kib}, nil
}
