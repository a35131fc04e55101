package cli

import (
	"bytes"
	"fmt"
	"io"
	stdlog "log"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/grpclog"
)

// logOptions are the options of a log.
type logOptions struct {
	level string // trace, debug, info, warn, error or off
	json  bool   // write lines of JSON instead of text
}

// newLog returns the log of a host that the command runs. The log and the command's error
// output both become an asyncWriter, so that the host does not wait for a slow reader of its
// output. Run flushes the asyncWriter at its end.
func newLog(cmd *cobra.Command, o logOptions) (hclog.Logger, error) {
	l := hclog.LevelFromString(o.level)
	if l == hclog.NoLevel {
		return nil, usage(fmt.Errorf("--log-level is %q; expected trace, debug, info, warn, error or off", o.level))
	}
	logger := func(l hclog.Level, to io.Writer) hclog.Logger {
		return durationLogger{hclog.New(&hclog.LoggerOptions{Name: "botyard", Level: l, JSONFormat: o.json, Output: to})}
	}
	out := newAsyncWriter(cmd.ErrOrStderr(), func(lines int) []byte {
		var b bytes.Buffer
		logger(hclog.Warn, &b).Warn("lines of the log are missing here: nobody read it, or it could not be written", "lines", lines)
		return b.Bytes()
	})
	cmd.SetErr(out)
	// Libraries write their logs to the same writer. Of gRPC only errors are logged.
	stdlog.SetOutput(out)
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, out))
	// An uncaught SIGPIPE would end the process when the reader of its standard output or error
	// ends. signal.Ignore is not used, because plugins would inherit the ignored signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return logger(l, out), nil
}

// flushOutput waits until the output of the command is written, for at most flushTimeout for
// each stream.
func flushOutput(cmd *cobra.Command) {
	for _, w := range []io.Writer{cmd.OutOrStdout(), cmd.ErrOrStderr()} {
		if o, ok := w.(*asyncWriter); ok {
			o.close(flushTimeout)
		}
	}
}
