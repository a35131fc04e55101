package readfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var (
	// ErrIrregular says that a path leads to a folder, a pipe, a device or a socket.
	ErrIrregular = errors.New("not a regular file")
	// ErrChanging says that a file changed during each of maxTries reads.
	ErrChanging = errors.New("it was changed each time that it was read")
)

// SizeError says that a file is larger than the limit. Both sizes are in bytes.
type SizeError struct{ Size, Limit int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("has %d bytes; expected at most %d", e.Size, e.Limit)
}

// Read returns the contents of the regular file at path; Read follows links. The error is the error
// of ctx, or an *fs.PathError that wraps [ErrIrregular], [ErrChanging], [ErrBlocked], a
// *[SizeError] or an error of the operating system.
func Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	return Bounded(ctx, path, func() ([]byte, error) { return ReadIn(osFiles{}, path, limit) })
}

// Files opens files. *os.Root implements Files.
type Files interface {
	Stat(name string) (fs.FileInfo, error)
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
}

var _ Files = (*os.Root)(nil)

type osFiles struct{}

func (osFiles) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
func (osFiles) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}

// maxTries is how often Read reads a file that changes during each read.
const maxTries = 3

// ReadIn is like [Read] for the file with that name in files, but without a timeout. Callers call
// ReadIn within [Bounded], because ReadIn waits as long as the file system takes.
func ReadIn(files Files, name string, limit int64) ([]byte, error) {
	text, err := readStable(func() ([]byte, bool, error) { return readOnce(files, name, limit) })
	var system *fs.PathError
	if err != nil && !errors.As(err, &system) {
		err = &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return text, err
}

// readStable calls once up to maxTries times, until the file does not change during a call.
func readStable[T any](once func() (text T, stable bool, err error)) (none T, _ error) {
	for range maxTries {
		if text, stable, err := once(); stable || err != nil {
			return text, err
		}
	}
	return none, ErrChanging
}

// acceptable returns an error if the file is not a regular file or is larger than limit.
func acceptable(info fs.FileInfo, limit int64) error {
	switch {
	case !info.Mode().IsRegular():
		return ErrIrregular
	case info.Size() > limit:
		return &SizeError{info.Size(), limit}
	}
	return nil
}

// readOnce reads the file. stable reports whether the file stayed unchanged during the read.
func readOnce(files Files, name string, limit int64) (text []byte, stable bool, err error) {
	// The check comes before the open, because opening a device may have a side effect.
	info, err := files.Stat(name)
	if err == nil {
		err = acceptable(info, limit)
	}
	if err != nil {
		return nil, false, err
	}
	// The file may have become a pipe after the check. With O_NONBLOCK, opening a pipe does not
	// wait for a writer.
	f, err := files.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	if err := acceptable(before, limit); err != nil {
		return nil, false, err
	}
	if text, err = io.ReadAll(io.LimitReader(f, limit+1)); err != nil {
		return nil, false, err
	}
	if n := int64(len(text)); n > limit {
		return nil, false, &SizeError{n, limit}
	}
	after, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	return text, unchanged(before, after), nil
}

func unchanged(before, after fs.FileInfo) bool {
	return after.Size() == before.Size() && after.ModTime().Equal(before.ModTime())
}
