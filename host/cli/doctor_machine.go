package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/trust"
)

const (
	fewFiles    = 4096      // descriptors that a host with some tenants needs
	littleRoom  = 1 << 30   // bytes on a file system that are warned of
	noRoom      = 64 << 20  // and with which nothing works for long
	littleSpace = 256 << 20 // of memory for the host and its plugins
)

// machine looks at what the system gives.
func (d *doctor) machine() {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		level := levelOK
		if files.Max < fewFiles {
			level = levelWarning
		}
		d.say(level, "machine", "", fmt.Sprintf("%d file descriptors; each connection and each plugin takes some", files.Max))
		if level != levelOK {
			d.mend("ulimit -n 65536")
		}
	}
	d.temporary(os.TempDir())
	for _, dir := range []string{d.settings.DataDir, os.TempDir()} {
		d.room(dir)
	}
	d.memory("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
	if d.now.Year() < 2026 {
		d.say(levelProblem, "machine", "", "the clock says "+d.now.Format("2006-01-02")+", which is before this program was made")
	}
}

// temporary tries what plugins need of the folder for temporary files.
func (d *doctor) temporary(parent string) {
	dir, err := os.MkdirTemp(parent, "by-doctor-")
	if err == nil {
		var l net.Listener
		if l, err = net.Listen("unix", filepath.Join(dir, "socket")); err == nil {
			err = l.Close()
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		d.say(levelProblem, "machine", parent, "no socket can be made in the folder for temporary files: "+err.Error())
		d.mend("export TMPDIR=/a/folder/that/can/be/written")
		return
	}
	d.say(levelOK, "machine", parent, "the folder for temporary files can be used")
}

// room looks at the free space where the folder is, or will be made.
func (d *doctor) room(dir string) {
	if dir == "" {
		return
	}
	at, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	var s syscall.Statfs_t
	for err = syscall.Statfs(at, &s); errors.Is(err, os.ErrNotExist) && at != "/"; err = syscall.Statfs(at, &s) {
		at = filepath.Dir(at)
	}
	if err != nil {
		return // whoever needs it says so
	}
	free := uint64(s.Bavail) * uint64(s.Bsize) // the types differ between systems
	level := levelOK
	switch {
	case free < noRoom:
		level = levelProblem
	case free < littleRoom:
		level = levelWarning
	}
	d.say(level, "machine", dir, fmt.Sprintf("%d MiB are free", free>>20))
	if level != levelOK {
		d.mend("df -h " + trust.Quote(at))
	}
}

// memory looks at the bound of the group of processes, in the first of the files that is
// there.
func (d *doctor) memory(files ...string) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		most, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || most > 1<<60 {
			break // max
		}
		level := levelOK
		if most < littleSpace {
			level = levelWarning
		}
		what := fmt.Sprintf("memory is bounded to %s for the host and its plugins", bounds.Bytes(int64(most)))
		if os.Getenv("GOMEMLIMIT") == "" {
			what += "; GOMEMLIMIT of some 60 % has the host collect sooner"
		}
		d.say(level, "machine", "", what)
		return
	}
	d.say(levelOK, "machine", "", "memory is not bounded")
}
