package discovery

import (
	"errors"
	"syscall"

	"github.com/botyard/botyard/host/readfile"
)

// transient are the errors of a system that lacks something for the moment.
var transient = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN, syscall.ENOBUFS,
	syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.ESTALE, syscall.ETXTBSY, syscall.EINTR,
	readfile.ErrBlocked, readfile.ErrChanging,
}

// IsTransient reports whether err says that the system lacks something for the moment,
// such as descriptors, memory or disk space. Then a file is not bad because it could not
// be read, and a plugin is not bad because it could not be started.
func IsTransient(err error) bool {
	for _, lack := range transient {
		if errors.Is(err, lack) {
			return true
		}
	}
	return false
}
