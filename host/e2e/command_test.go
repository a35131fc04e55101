package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// cli runs a botyard command against this host and returns its output.
func (host *hostProcess) cli(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(binaries, "botyard"), args...)
	cmd.Env = append(os.Environ(), "BOTYARD_URL="+host.url)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustCLI runs a botyard command and fails the test if the command fails.
func (host *hostProcess) mustCLI(args ...string) string {
	host.t.Helper()
	out, err := host.cli(args...)
	if err != nil {
		host.t.Errorf("botyard %q: %v\n%s", args, err, out)
	}
	return out
}

// command runs the botyard command with the host's folder for temporary files. After a minute it stops the
// command, because a serve that should fail may be running.
func (host *hostProcess) command(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(host.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "botyard"), args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(host.dir, "tmp"))
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// status returns the exit status of a command. It returns -1 if the command did not exit by itself.
func status(err error) int {
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return ended.ExitCode()
	}
	return -1
}
