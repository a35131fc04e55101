package sdk

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ForbidDumps protects this process's memory and environment from other processes of the same user.
// Those processes can then neither read them below /proc nor attach a debugger, and a crash writes
// no core file. Root still has access. A child of this process writes no core file either, but is
// open to its user until it calls ForbidDumps itself. An error says that the system refused.
//
// Main functions call ForbidDumps. Serve calls it too.
func ForbidDumps() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("this process stays open to debuggers of its user: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("this process's children may write cores: %w", err)
	}
	return nil
}

// nameProcess sets the process name that ps and top show to the name of the plugin's file. Without
// nameProcess the name would be the number of a file descriptor, because the host executes the
// plugin through an open file.
func nameProcess() {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // after an error the process has its old name
}
