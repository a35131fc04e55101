package process

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/botyard/botyard/host/plugins/discovery"
)

// RuntimeDir is the private folder of the host in which each plugin process has a folder
// for sockets and temporary files. It is made again when somebody removed it or made it
// unusable, such as a cleaner of temporary files. It is used by any number of goroutines.
type RuntimeDir struct {
	parent string

	mu      sync.Mutex
	current *runtimeFolder
	former  []*runtimeFolder // could not be used any more; processes may still be in them
	last    int64            // number of the last process's folder
}

// runtimeFolder is one folder in the parent. It is kept open, so that another folder at
// its path is noticed. It has two locks: that of the lock file tells other hosts that the
// folder is in use, and that of the folder itself tells systemd-tmpfiles.
type runtimeFolder struct {
	path      string
	dir, lock *os.File
}

const (
	runtimePrefix   = "by-"
	RuntimeLockName = "lock"
	// maxFormer bounds the folders that are kept in mind for the end.
	maxFormer = 16
	// maxSocketPath is the longest path in bytes that fits into sockaddr_un on Linux, without
	// its final zero.
	maxSocketPath = 107
	// socketRoom is the greatest length of a socket's path below the runtime folder: the
	// number of the process, go-plugin's folder and its socket, whose random names have up
	// to 10 digits.
	socketRoom = len("/123456") + len("/plugin-dir1234567890") + len("/plugin1234567890")
)

// NewRuntimeDir makes the folder in parent, and removes the folders of hosts that were
// killed. Remove must be called at the end.
func NewRuntimeDir(parent string) (*RuntimeDir, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	if n := len(parent) + len("/"+runtimePrefix+"1234567890") + socketRoom; n > maxSocketPath {
		return nil, fmt.Errorf("runtime folder %s: its path is %d bytes too long: the paths of plugins' sockets "+
			"below it would have up to %d bytes, and the system allows %d; choose a shorter one",
			parent, n-maxSocketPath, n, maxSocketPath)
	}
	RemoveAbandoned(parent)
	path, err := os.MkdirTemp(parent, runtimePrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("runtime folder: %w", err)
	}
	folder, err := claim(path)
	if err != nil {
		return nil, err
	}
	return &RuntimeDir{parent: parent, current: folder}, nil
}

// claim locks a folder that was just made.
func claim(path string) (*runtimeFolder, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	// For systemd-tmpfiles only: some file systems have no locks on folders.
	_ = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	f := &runtimeFolder{path: path, dir: dir}
	if err := f.ensureLock(); err != nil {
		f.close()
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	return f, nil
}

// ensureLock makes the lock file again, and locks it, if it is gone.
func (f *runtimeFolder) ensureLock() error {
	path := filepath.Join(f.path, RuntimeLockName)
	if f.lock != nil {
		own, err := f.lock.Stat()
		if err != nil {
			return err
		}
		now, err := os.Lstat(path)
		if err == nil && os.SameFile(own, now) {
			return nil
		}
	}
	lock, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(err, lock.Close())
	}
	_ = f.lock.Close() // its file is gone, or it is nil
	f.lock = lock
	return nil
}

func (f *runtimeFolder) close() {
	_ = f.dir.Close() // nothing was written; a nil file is none
	_ = f.lock.Close()
}

// exists reports whether the folder is still at its path.
func (f *runtimeFolder) exists() bool {
	own, err := f.dir.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(f.path)
	return err == nil && os.SameFile(own, now)
}

// Path returns where the folder is now. It changes if the folder has to be made elsewhere.
func (d *RuntimeDir) Path() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current.path
}

// addDir makes a folder for a process. An error is not the plugin's fault.
func (d *RuntimeDir) addDir() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	name := strconv.FormatInt(d.last, 10)
	err := d.restoreLocked()
	if err == nil {
		err = os.Mkdir(filepath.Join(d.current.path, name), 0o700)
	}
	if err != nil && !discovery.IsTransient(err) {
		if err = d.replaceLocked(); err == nil {
			err = os.Mkdir(filepath.Join(d.current.path, name), 0o700)
		}
	}
	if err != nil {
		return "", fmt.Errorf("the folder for its socket and temporary files: %w", err)
	}
	return filepath.Join(d.current.path, name), nil
}

// restoreDir makes the folder of a running process again if somebody removed it, so that
// there is a place for its temporary files.
func (d *RuntimeDir) restoreDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.restoreLocked(); err != nil {
		return err
	}
	if filepath.Dir(dir) != d.current.path {
		return nil // the former folder's place is taken, or cannot be used
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// restoreLocked makes the runtime folder again if it is gone. Locked: mu is held.
func (d *RuntimeDir) restoreLocked() error {
	if !d.current.exists() {
		return d.replaceLocked()
	}
	return d.current.ensureLock()
}

// replaceLocked makes another folder. It has the path of the current one if that is free,
// because running processes know that path. Locked: mu is held.
func (d *RuntimeDir) replaceLocked() error {
	if err := os.MkdirAll(d.parent, 0o700); err != nil {
		return err
	}
	path := d.current.path
	if os.Mkdir(path, 0o700) != nil { // something is there, or the name is the problem
		var err error
		if path, err = os.MkdirTemp(d.parent, runtimePrefix); err != nil {
			return err
		}
	}
	folder, err := claim(path)
	if err != nil {
		return err
	}
	if d.current.exists() && len(d.former) < maxFormer {
		d.former = append(d.former, d.current)
	} else {
		d.current.close()
	}
	d.current = folder
	return nil
}

// check returns an error if a process could not make its socket or a temporary file now.
func (d *RuntimeDir) check() error {
	dir, err := d.addDir()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // Remove takes what stays
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return fmt.Errorf("a socket for plugins cannot be made: %w", err)
	}
	err = os.WriteFile(filepath.Join(dir, "file"), make([]byte, 4096), 0o600)
	if err != nil {
		err = fmt.Errorf("a temporary file for plugins cannot be written: %w", err)
	}
	return errors.Join(err, l.Close())
}

// RemoveAbandoned removes runtime folders whose lock nobody holds. A lock goes away with
// the process that held it, in whatever container that ran; a process id would not tell.
func RemoveAbandoned(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, runtimePrefix+"*"))
	for _, dir := range old {
		if strings.Trim(strings.TrimPrefix(filepath.Base(dir), runtimePrefix), "0123456789") != "" {
			continue // not one of ours
		}
		lock, err := os.OpenFile(filepath.Join(dir, RuntimeLockName), os.O_RDWR, 0)
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

// Remove removes the folder and all former ones. A folder that is another's by now stays.
func (d *RuntimeDir) Remove() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, f := range append(d.former, d.current) {
		if f.exists() {
			errs = append(errs, os.RemoveAll(f.path))
		}
		f.close()
	}
	return errors.Join(errs...)
}
