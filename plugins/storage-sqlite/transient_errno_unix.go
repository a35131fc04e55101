//go:build unix

package sqlitestore

import (
	"errors"
	"syscall"
)

// transientErrno reports whether the creation of a file that failed with err may succeed later at
// the same path.
func transientErrno(err error) bool {
	for _, e := range []error{syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return outOfSpace(err)
}

// outOfSpace reports whether err says that the disk or the user's disk quota is full.
func outOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
