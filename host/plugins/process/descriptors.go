package process

import (
	"os"
	"strconv"
	"syscall"
)

// sealDescriptors marks all descriptors of this program close-on-exec, except for the
// standard three, so that processes that it starts from now on inherit none. Go marks its
// own. Others were open when the program was started: by a shell, by systemd, by a program
// that embeds the host.
func sealDescriptors() {
	if sealRange() != nil {
		sealEach()
	}
}

// sealEach marks the descriptors one by one, where the system cannot mark a range.
func sealEach() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // nothing more can be done
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
