package discovery

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/botyard/botyard/host/readfile"
)

func TestIsTransient(t *testing.T) {
	for _, err := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EAGAIN, syscall.ENOSPC, syscall.EDQUOT, readfile.ErrBlocked} {
		t.Run(err.Error(), func(t *testing.T) {
			if !IsTransient(&os.PathError{Op: "fork/exec", Path: "/x", Err: err}) {
				t.Error("the plugin is blamed")
			}
		})
	}
	for _, err := range []error{nil, syscall.ENOENT, syscall.EACCES, syscall.ENOEXEC, syscall.EPERM, syscall.ENOTDIR} {
		t.Run(fmt.Sprint(err), func(t *testing.T) {
			if IsTransient(err) {
				t.Error("the system is blamed")
			}
		})
	}
}
