package sdk

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ForbidDumps has the system keep this process's memory and environment from the other
// processes of its user: they can neither read them below /proc nor attach a debugger,
// and a crash writes no core. Only root still can. What the process starts writes no core
// either, but is open to its user again until it calls this itself. An error says that the
// system refused. It is for main functions; Serve calls it.
func ForbidDumps() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("this process stays open to debuggers of its user: %w", err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("this process's children may write cores: %w", err)
	}
	return nil
}

// nameProcess gives the process the name of its file, for those who list processes. A host
// executes an open file, and its descriptor's number would be the name.
func nameProcess() {
	_ = os.WriteFile("/proc/self/comm", []byte(filepath.Base(os.Args[0])), 0) // else it keeps that
}
