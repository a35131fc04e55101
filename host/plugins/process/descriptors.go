package process

import (
	"os"
	"strconv"
	"syscall"
)

// sealDescriptors marks all descriptors of the host, except for 0 to 2, as close-on-exec,
// so that plugins do not inherit them. Go marks the descriptors that it opens. But the host
// may have inherited other descriptors from a shell, from systemd, or from a program that
// embeds the host.
func sealDescriptors() {
	if sealRange() != nil {
		sealEach()
	}
}

// sealEach marks the descriptors above 2 one by one, on systems where sealRange fails.
func sealEach() {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return // without /dev/fd the open descriptors are not known
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
