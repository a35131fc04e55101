//go:build unix

package sqlitestore

import (
	"errors"
	"syscall"
)

// transientErrno reports whether a failed creation of a file may succeed later at the same path.
func transientErrno(err error) bool {
	for _, e := range []error{syscall.EIO, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EINTR} {
		if errors.Is(err, e) {
			return true
		}
	}
	return outOfSpace(err)
}

// outOfSpace reports whether the disk or the quota is full.
func outOfSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
