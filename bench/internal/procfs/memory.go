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

// Memory is the resident memory of a process, in KiB. PSS counts a shared page in equal parts for all
// processes that map the page. The sum of the PSS of several processes is therefore the memory that they
// use together.
type Memory struct {
	RSS int64 `json:"rss_kib"`
	PSS int64 `json:"pss_kib"`
}

// MemoryOf returns the memory of a process. If this process may not read the PSS, MemoryOf returns the RSS
// for both. Only root may read the PSS of hosts and plugins, because these processes are not dumpable.
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

// TreePSS returns the PSS of the process and of all its descendants, in bytes. The key is the file name of
// the program.
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

// residentOf returns the RSS of a process, which every user may read, as both RSS and PSS.
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
