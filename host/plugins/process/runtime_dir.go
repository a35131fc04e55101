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

// RuntimeDir is the host's private folder. It contains a folder for each plugin process,
// with the process's sockets and temporary files. If the folder becomes unusable, for
// example because a cleaner of temporary files deleted it, the RuntimeDir creates another
// folder. A RuntimeDir is safe for concurrent use.
type RuntimeDir struct {
	parent string

	mu      sync.Mutex
	current *runtimeFolder
	former  []*runtimeFolder // folders that became unusable, and that running processes may still use
	last    int64            // the number that names the newest process's folder
}

// runtimeFolder is a runtime folder in RuntimeDir.parent. Its descriptor stays open, so
// that exists can notice that another folder is at its path. The lock of the lock file
// tells other hosts that the folder is in use. The lock of the folder itself tells this to
// systemd-tmpfiles.
type runtimeFolder struct {
	path      string
	dir, lock *os.File
}

const (
	runtimePrefix   = "by-"
	RuntimeLockName = "lock"
	// maxFormer limits how many unusable folders RuntimeDir remembers for Remove.
	maxFormer = 16
	// maxSocketPath is the longest path in bytes that fits into sockaddr_un on Linux,
	// without the final zero byte.
	maxSocketPath = 107
	// socketRoom is the greatest length in bytes of a socket's path relative to the runtime
	// folder. The path consists of the number of the process, the name of go-plugin's
	// folder and the name of the socket. Both names end in up to 10 random digits.
	socketRoom = len("/123456") + len("/plugin-dir1234567890") + len("/plugin1234567890")
)

// NewRuntimeDir creates a runtime folder in parent. It also deletes the runtime folders of
// hosts that were killed. The caller must call Remove at the end.
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
	path, err := os.MkdirTemp(parent, runtimePrefix) // MkdirTemp sets mode 0700
	if err != nil {
		return nil, fmt.Errorf("runtime folder: %w", err)
	}
	folder, err := claim(path)
	if err != nil {
		return nil, err
	}
	return &RuntimeDir{parent: parent, current: folder}, nil
}

// claim locks a runtime folder that was just created.
func claim(path string) (*runtimeFolder, error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	// Only systemd-tmpfiles uses this lock. An error is ignored, because some file systems
	// cannot lock folders.
	_ = syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	f := &runtimeFolder{path: path, dir: dir}
	if err := f.ensureLock(); err != nil {
		f.close()
		return nil, errors.Join(fmt.Errorf("runtime folder: %w", err), os.RemoveAll(path))
	}
	return f, nil
}

// ensureLock creates and locks the lock file, if the lock file does not exist.
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
	_ = f.lock.Close() // the old lock file was deleted, or f.lock is nil
	f.lock = lock
	return nil
}

func (f *runtimeFolder) close() {
	_ = f.dir.Close() // the files were only read or locked; Close of a nil file does nothing
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

// Path returns the current path of the runtime folder. The path changes if the RuntimeDir
// has to create the folder elsewhere.
func (d *RuntimeDir) Path() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.current.path
}

// addDir creates a private folder for a process, with a home folder in it. If addDir returns an error, the host is at fault
// and not the plugin.
func (d *RuntimeDir) addDir() (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last++
	name := strconv.FormatInt(d.last, 10)
	err := d.restoreLocked()
	if err == nil {
		err = makeProcessDir(filepath.Join(d.current.path, name))
	}
	if err != nil && !discovery.IsTransient(err) {
		if err = d.replaceLocked(); err == nil {
			err = makeProcessDir(filepath.Join(d.current.path, name))
		}
	}
	if err != nil {
		return "", fmt.Errorf("the folder for its socket and temporary files: %w", err)
	}
	return filepath.Join(d.current.path, name), nil
}

// restoreDir creates the folder dir of a running process again if dir was deleted, so that
// the process can write temporary files.
func (d *RuntimeDir) restoreDir(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.restoreLocked(); err != nil {
		return err
	}
	if filepath.Dir(dir) != d.current.path {
		return nil // dir belongs to a former runtime folder, which cannot be restored
	}
	return makeProcessDir(dir)
}

// makeProcessDir creates the private folder of a process and the home folder in it, as far
// as they do not exist.
func makeProcessDir(dir string) error {
	for _, path := range []string{dir, filepath.Join(dir, homeName)} {
		if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

// restoreLocked creates the runtime folder again if it does not exist any more. Locked: mu
// is held.
func (d *RuntimeDir) restoreLocked() error {
	if !d.current.exists() {
		return d.replaceLocked()
	}
	return d.current.ensureLock()
}

// replaceLocked creates a new runtime folder. It uses the path of the current folder if
// nothing is at that path, because running processes know that path. Locked: mu is held.
func (d *RuntimeDir) replaceLocked() error {
	if err := os.MkdirAll(d.parent, 0o700); err != nil {
		return err
	}
	path := d.current.path
	if os.Mkdir(path, 0o700) != nil { // another file is at the path, or the name cannot be used
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

// check returns an error if a process could not create its socket or a temporary file now.
func (d *RuntimeDir) check() error {
	dir, err := d.addDir()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // Remove deletes the files that RemoveAll fails to delete
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

// RemoveAbandoned deletes the runtime folders in parent whose lock no process holds. The
// system releases a lock when its process ends, also if the process ran in another
// container. A process id would not work between containers.
func RemoveAbandoned(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, runtimePrefix+"*"))
	for _, dir := range old {
		if strings.Trim(strings.TrimPrefix(filepath.Base(dir), runtimePrefix), "0123456789") != "" {
			continue // the name is not that of a runtime folder
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

// Remove deletes the runtime folder and all former ones. It does not delete a folder that
// another program has created at the same path since then.
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
