package plugins

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// runtimeDir is the private folder in which each plugin process has a folder of
// its own for sockets and temporary files.
type runtimeDir struct {
	path string
	lock *os.File
}

const (
	runtimePrefix = "by-"
	runtimeLock   = "lock"
	// maxSocketPath is what fits into sockaddr_un on Linux, without its final zero.
	maxSocketPath = 107
	// socketRoom is what comes below the runtime folder: our counter, go-plugin's
	// folder and its socket, whose random names have up to 10 digits.
	socketRoom = len("/123456") + len("/plugin-dir1234567890") + len("/plugin1234567890")
)

// newRuntimeDir makes the folder in parent, and removes what hosts that were
// killed left there.
func newRuntimeDir(parent string) (*runtimeDir, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	if n := len(parent) + len("/"+runtimePrefix+"1234567890") + socketRoom; n > maxSocketPath {
		return nil, fmt.Errorf("runtime folder %s: its path is %d bytes too long: the paths of plugins' sockets "+
			"below it would have up to %d bytes, and the system allows %d; choose a shorter one",
			parent, n-maxSocketPath, n, maxSocketPath)
	}
	sweep(parent)
	path, err := os.MkdirTemp(parent, runtimePrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("runtime folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, runtimeLock), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	return &runtimeDir{path: path, lock: lock}, nil
}

// sweep removes folders whose lock nobody holds: the lock goes away with the
// process that held it, in whatever container that ran, as a process id does not.
func sweep(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, runtimePrefix+"*"))
	for _, dir := range old {
		if strings.Trim(strings.TrimPrefix(filepath.Base(dir), runtimePrefix), "0123456789") != "" {
			continue // not one of ours
		}
		lock, err := os.OpenFile(filepath.Join(dir, runtimeLock), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if info, err := lock.Stat(); err == nil && time.Since(info.ModTime()) > time.Second &&
			syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

func (d *runtimeDir) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}
