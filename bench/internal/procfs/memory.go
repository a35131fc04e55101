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

// Memory is what a process has resident, in KiB. PSS splits pages that several
// processes map between them, so that it may be added up.
type Memory struct {
	RSS int64 `json:"rss_kib"`
	PSS int64 `json:"pss_kib"`
}

// MemoryOf reads the process's memory. Of one that is not open to its user, as hosts and
// plugins are not, only root is told what is shared; PSS is RSS then.
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

// TreePSS is what the process and all its descendants have resident, in bytes by the
// name of the program. Pages that they share count once.
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

// residentOf reads what everybody may see.
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
