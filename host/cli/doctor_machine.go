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
	minDescriptors = 4096      // file descriptors that a host with some tenants needs
	lowDiskBytes   = 1 << 30   // free bytes of a file system below which the doctor warns
	fullDiskBytes  = 64 << 20  // free bytes of a file system below which the host soon fails
	lowMemoryBytes = 256 << 20 // bytes of memory for host and plugins below which the doctor warns
)

// machine checks file descriptors, temporary files, disk space, memory and the clock.
func (d *doctor) machine() {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		level := levelOK
		if files.Max < minDescriptors {
			level = levelWarning
		}
		d.add(level, "machine", "", fmt.Sprintf("%d file descriptors; each connection and each plugin takes some", files.Max))
		if level != levelOK {
			d.addRemedy("ulimit -n 65536")
		}
	}
	d.temporary(os.TempDir())
	for _, dir := range []string{d.settings.DataDir, os.TempDir()} {
		d.diskSpace(dir)
	}
	d.memory("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
	if d.now.Year() < 2026 {
		d.add(levelProblem, "machine", "", "the clock says "+d.now.Format("2006-01-02")+", which is before this program was made")
	}
}

// temporary checks that sockets can be created in the folder for temporary files.
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
		d.add(levelProblem, "machine", parent, "no socket can be made in the folder for temporary files: "+err.Error())
		d.addRemedy("export TMPDIR=/a/folder/that/can/be/written")
		return
	}
	d.add(levelOK, "machine", parent, "the folder for temporary files can be used")
}

// diskSpace checks the free space of the file system on which the folder is or will be created.
func (d *doctor) diskSpace(dir string) {
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
		return // Another check needs the folder, and reports the error.
	}
	free := uint64(s.Bavail) * uint64(s.Bsize) // the types of the fields differ between operating systems
	level := levelOK
	switch {
	case free < fullDiskBytes:
		level = levelProblem
	case free < lowDiskBytes:
		level = levelWarning
	}
	d.add(level, "machine", dir, fmt.Sprintf("%d MiB are free", free>>20))
	if level != levelOK {
		d.addRemedy("df -h " + trust.Quote(at))
	}
}

// memory checks the memory limit of the process's control group. files are the paths at which
// the kernel may show the limit; memory reads the first that exists.
func (d *doctor) memory(files ...string) {
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		most, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || most > 1<<60 {
			break // The file has "max" or a huge number, which mean no limit.
		}
		level := levelOK
		if most < lowMemoryBytes {
			level = levelWarning
		}
		what := fmt.Sprintf("memory is bounded to %s for the host and its plugins", bounds.Bytes(int64(most)))
		if os.Getenv("GOMEMLIMIT") == "" {
			what += "; GOMEMLIMIT of some 60 % has the host collect sooner"
		}
		d.add(level, "machine", "", what)
		return
	}
	d.add(levelOK, "machine", "", "memory is not bounded")
}
