package secret

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/botyard/botyard/host/readfile"
	"github.com/botyard/botyard/host/trust"
)

// LoadOrCreateKey reads the key in the file at path, or makes a random one there
// (mode 0600) when no such file exists. The folder must exist. Processes that
// race to create one file all get the same key: the content is written aside and
// linked into place, which only one of them can do, and the others read it.
//
// A file that is not exactly one key, is not a regular file, or that others than its
// owner and its group may access is refused: a volume of a container is its group's.
// Whose file it is, is for the caller to look at. One whose file system does not answer is refused too.
func LoadOrCreateKey(path string) (*Key, error) {
	k, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if err := createKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("create key file %s: %w", path, err)
	}
	return loadKey(path)
}

// LoadKey reads the key in the file at path as LoadOrCreateKey does, and makes none: it is
// nil where there is no such file.
func LoadKey(path string) (*Key, error) {
	k, err := loadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return k, err
}

func loadKey(path string) (*Key, error) {
	raw, err := readfile.Bounded(context.Background(), path, func() ([]byte, error) {
		return readfile.ReadIn(ownersFiles{}, path, keySize)
	})
	var large *readfile.SizeError
	switch {
	case errors.As(err, &large):
		return nil, fmt.Errorf("key file %s: %w", path, lengthError(large.Size))
	case errors.Is(err, readfile.ErrIrregular):
		return nil, fmt.Errorf("key file %s is not a regular file", path)
	case err != nil:
		return nil, fmt.Errorf("key file: %w", err)
	}
	k, err := newKey(raw)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return k, nil
}

// ownersFiles are files that nobody but their owner and its group may access.
type ownersFiles struct{}

func (ownersFiles) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// OpenFile looks at what it opened: another file may have taken the name meanwhile.
func (ownersFiles) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o007 != 0 {
		err = &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("has mode %04o: others than its owner and group may access it; set 0600 (chmod 600 %s)", info.Mode().Perm(), trust.Quote(name))}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func createKey(path string) (err error) {
	master := make([]byte, keySize)
	_, _ = rand.Read(master) // documented never to fail
	// CreateTemp makes the file with mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(master)
	if err == nil {
		// Synced before it has its name: a crash must not leave a short key
		// under which nothing sealed would ever open again.
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// Link, not rename: rename would replace the key of whoever was faster.
	return os.Link(f.Name(), path)
}
