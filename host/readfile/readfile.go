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
	// ErrIrregular says that a path leads to something else than a regular file.
	ErrIrregular = errors.New("not a regular file")
	// ErrChanging says that a file was changed each time that it was read.
	ErrChanging = errors.New("it was changed each time that it was read")
)

// SizeError says that a file has more bytes than it may.
type SizeError struct{ Size, Limit int64 }

func (e *SizeError) Error() string {
	return fmt.Sprintf("has %d bytes; expected at most %d", e.Size, e.Limit)
}

// Read answers what the regular file at path, or where its links lead, holds: at most
// limit bytes. It fails with an *fs.PathError that wraps [ErrIrregular], [ErrChanging],
// [ErrBlocked], a *[SizeError] or what the system says, or with the context's error.
func Read(ctx context.Context, path string, limit int64) ([]byte, error) {
	return Bounded(ctx, path, func() ([]byte, error) { return ReadIn(osFiles{}, path, limit) })
}

// Files are where files are read from, as an *os.Root is.
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

// tries is how often a file that changes while it is read is read.
const tries = 3

// ReadIn is [Read] for the file of that name in files; it waits for it, and so belongs
// into [Bounded].
func ReadIn(files Files, name string, limit int64) ([]byte, error) {
	text, err := readStable(func() ([]byte, bool, error) { return readOnce(files, name, limit) })
	var system *fs.PathError
	if err != nil && !errors.As(err, &system) {
		err = &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return text, err
}

// readStable reads until a reading was not disturbed.
func readStable[T any](once func() (text T, stable bool, err error)) (none T, _ error) {
	for range tries {
		if text, stable, err := once(); stable || err != nil {
			return text, err
		}
	}
	return none, ErrChanging
}

func acceptable(info fs.FileInfo, limit int64) error {
	switch {
	case !info.Mode().IsRegular():
		return ErrIrregular
	case info.Size() > limit:
		return &SizeError{info.Size(), limit}
	}
	return nil
}

// readOnce answers also whether the file was the same all the while.
func readOnce(files Files, name string, limit int64) (text []byte, stable bool, err error) {
	// Before it is opened, for opening a device may do something.
	info, err := files.Stat(name)
	if err == nil {
		err = acceptable(info, limit)
	}
	if err != nil {
		return nil, false, err
	}
	// Opening what was made a pipe meanwhile does not wait for its writer.
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
