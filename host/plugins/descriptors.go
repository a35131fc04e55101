package plugins

import (
	"os"
	"strconv"
	"syscall"
)

// sealDescriptors has none of this process's descriptors but the standard three be
// inherited by the processes that it starts from now on. Go opens its own so; others were
// open when the process was started: by a shell, by systemd, by whoever embeds the host.
func sealDescriptors() {
	if sealRange() != nil {
		sealEach()
	}
}

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
