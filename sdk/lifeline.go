package sdk

import (
	"io"
	"os"
	"os/signal"
	"syscall"
)

// outliveSignals has the process go on when it is told to end by anybody but its host.
// Who stops a service, systemd for one, signals all of its processes at once; the host
// still needs its plugins then, for the turns at work, and ends them itself. The signals
// are caught and not ignored: what the plugin starts would inherit that.
func outliveSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
}

// followLifeline ends the process when r does: the host holds the other end.
func followLifeline(r io.Reader) {
	_, _ = io.Copy(io.Discard, r)
	os.Exit(0)
}
