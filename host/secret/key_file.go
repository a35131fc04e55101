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

// LoadOrCreateKey reads the key in the file at path. If the file does not exist, it creates the
// file with a random key and mode 0600. The folder must exist. If several processes create the
// file at once, all of them return the same key.
//
// LoadOrCreateKey refuses a file that is not a regular file, a file that is not exactly one key,
// a file that users other than its owner and group may access, and a file whose file system does
// not respond in time. It does not check who the owner is; package trust does that.
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

// LoadKey reads the key in the file at path, with the checks of [LoadOrCreateKey]. If the file
// does not exist, it returns nil and creates nothing.
func LoadKey(path string) (*Key, error) {
	k, err := loadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return k, err
}

func loadKey(path string) (*Key, error) {
	raw, err := readfile.Bounded(context.Background(), path, func() ([]byte, error) {
		return readfile.ReadIn(privateFiles{}, path, keySize)
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

// privateFiles opens files, and refuses a file that users other than its owner and group may
// access.
type privateFiles struct{}

func (privateFiles) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }

// OpenFile opens the file and then checks its mode. A check by name before the opening would not
// be safe, because another file could get the name in between.
func (privateFiles) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
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

// createKey creates the file with a random key. If the file already exists, for example because
// another process has just created it, the error is fs.ErrExist.
func createKey(path string) (err error) {
	master := make([]byte, keySize)
	_, _ = rand.Read(master) // documented never to fail
	// CreateTemp creates the file with mode 0600.
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.Write(master)
	if err == nil {
		// Sync comes before Link. Otherwise a crash could leave an incomplete key under the final
		// name, and secrets that the complete key has sealed would be lost.
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	// Link fails if the file exists, whereas Rename would replace a key that another process has
	// just created.
	return os.Link(f.Name(), path)
}
