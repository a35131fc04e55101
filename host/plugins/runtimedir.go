package plugins

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

// runtimeDir is the private folder in which each plugin process has a folder of
// its own for sockets and temporary files. It is made anew when somebody else, a
// cleaner of temporary files for example, took it away or made it unusable.
type runtimeDir struct {
	parent string

	mu      sync.Mutex
	current *runtimeFolder
	former  []*runtimeFolder // could not be used any more; processes may still be in them
	last    int64            // number of the last process's folder
}

// runtimeFolder is one folder in the parent. The open folder tells it from another
// that has its path now. Both are locked: the lock file says to the next host that the
// folder is in use, and the folder's own lock says so to systemd-tmpfiles.
type runtimeFolder struct {
	path      string
	dir, lock *os.File
}

const (
	runtimePrefix = "by-"
	runtimeLock   = "lock"
	// maxFormer bounds the folders that are kept in mind for the end.
	maxFormer = 16
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
	folder, err := claim(path)
	if err != nil {
		return nil, err
	}
	return &runtimeDir{parent: parent, current: folder}, nil
}

// claim locks the folder, which was just made.
func claim(path string) (*runtimeFolder, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	// For systemd-tmpfiles only: some file systems have no locks on folders.
	_ = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	f := &runtimeFolder{path: path, dir: dir}
	if err := f.keepLock(); err != nil {
		f.close()
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	return f, nil
}

// keepLock makes the lock file, and locks it, if it is not there.
func (f *runtimeFolder) keepLock() error {
	path := filepath.Join(f.path, runtimeLock)
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
	_ = f.lock.Close() // of a file that is gone, or nil
	f.lock = lock
	return nil
}

func (f *runtimeFolder) close() {
	_ = f.dir.Close() // nothing was written; a nil file is none
	_ = f.lock.Close()
}

// isThere reports whether the folder still has its path.
func (f *runtimeFolder) isThere() bool {
	own, err := f.dir.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(f.path)
	return err == nil && os.SameFile(own, now)
}

// path is where the folder is now.
func (d *runtimeDir) path() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current.path
}

// add makes a folder for a process. What is wrong then is wrong with the host's
// surroundings.
func (d *runtimeDir) add() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	name := strconv.FormatInt(d.last, 10)
	err := d.restore()
	if err == nil {
		err = os.Mkdir(filepath.Join(d.current.path, name), 0o700)
	}
	if err != nil && !discovery.IsTransient(err) {
		if err = d.renew(); err == nil {
			err = os.Mkdir(filepath.Join(d.current.path, name), 0o700)
		}
	}
	if err != nil {
		return "", fmt.Errorf("the folder for its socket and temporary files: %w", err)
	}
	return filepath.Join(d.current.path, name), nil
}

// keep makes the folder of a running process again if it was taken away, so that
// there is a place for its temporary files.
func (d *runtimeDir) keep(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.restore(); err != nil {
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

// restore makes the folder anew if it is not there. The lock is held.
func (d *runtimeDir) restore() error {
	if !d.current.isThere() {
		return d.renew()
	}
	return d.current.keepLock()
}

// renew makes another folder: with the path of the current one, if that is free, since
// processes that run know it. The lock is held.
func (d *runtimeDir) renew() error {
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
	if d.current.isThere() && len(d.former) < maxFormer {
		d.former = append(d.former, d.current)
	} else {
		d.current.close()
	}
	d.current = folder
	return nil
}

// check fails if a process could not make its socket or a temporary file now.
func (d *runtimeDir) check() error {
	dir, err := d.add()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // remove takes what stays
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

// remove takes away what is left. A folder that is another's now stays.
func (d *runtimeDir) remove() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, f := range append(d.former, d.current) {
		if f.isThere() {
			errs = append(errs, os.RemoveAll(f.path))
		}
		f.close()
	}
	return errors.Join(errs...)
}
