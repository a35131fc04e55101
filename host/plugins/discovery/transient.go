package discovery

import (
	"errors"
	"syscall"

	"github.com/botyard/botyard/host/readfile"
)

// transient lists the errors that IsTransient recognizes.
var transient = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN, syscall.ENOBUFS,
	syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.ESTALE, syscall.ETXTBSY, syscall.EINTR,
	readfile.ErrBlocked, readfile.ErrChanging,
}

// IsTransient reports whether err says that the system temporarily lacks something, such as
// descriptors, memory or disk space. A plugin file is not bad if such an error prevents the
// host from reading it, and a plugin is not bad if such an error prevents its start.
func IsTransient(err error) bool {
	for _, lack := range transient {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}
