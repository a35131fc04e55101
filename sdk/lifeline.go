package sdk

import (
	"errors"
	"fmt"
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

// readSecret reads the first line of standard input, which is the secret of the host. It reads no
// byte beyond the line.
func readSecret(stdin io.Reader) (string, error) {
	var secret []byte
	for next := make([]byte, 1); ; {
		if _, err := io.ReadFull(stdin, next); err != nil {
			return "", fmt.Errorf("standard input ended before the end of its first line, which is the secret of the host: %w", err)
		}
		if next[0] == '\n' {
			break
		}
		if len(secret) == MaxSecretBytes {
			return "", fmt.Errorf("the first line of standard input, which is the secret of the host, has more than %d bytes", MaxSecretBytes)
		}
		secret = append(secret, next[0])
	}
	if len(secret) == 0 {
		return "", errors.New("the first line of standard input, which is the secret of the host, is empty")
	}
	return string(secret), nil
}

// awaitInputEnd returns when standard input has ended, because the host wants the plugin to end or
// is gone.
func awaitInputEnd(stdin io.Reader) {
	_, _ = io.Copy(io.Discard, stdin) // an error is an end too
}
