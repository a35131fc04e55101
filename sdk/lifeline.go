package sdk

import (
	"io"
	"os"
	"os/signal"
	"syscall"
)

// outliveSignals lets the process survive the signals SIGTERM, SIGINT and SIGHUP. A service manager
// such as systemd signals all processes of a service at once. The host then still needs its plugins
// for the running turns, and stops them itself. outliveSignals catches the signals instead of
// ignoring them, because child processes would inherit ignored signals.
func outliveSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
}

// followLifeline exits the process when r is closed. The host holds the other end of r.
func followLifeline(r io.Reader) {
	_, _ = io.Copy(io.Discard, r)
	os.Exit(0)
}
