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

// newLog makes the log of a host that the command runs. From now on nothing that the
// command says waits for whoever reads it, or ends with them: what it says as errors
// goes the way of the log. Run ends that.
func newLog(cmd *cobra.Command, level string, json bool) (hclog.Logger, error) {
	l := hclog.LevelFromString(level)
	if l == hclog.NoLevel {
		return nil, usage(fmt.Errorf("--log-level is %q; expected trace, debug, info, warn, error or off", level))
	}
	logger := func(l hclog.Level, to io.Writer) hclog.Logger {
		return timed{hclog.New(&hclog.LoggerOptions{Name: "botyard", Level: l, JSONFormat: json, Output: to})}
	}
	out := newOutlet(cmd.ErrOrStderr(), func(lines int) []byte {
		var b bytes.Buffer
		logger(hclog.Warn, &b).Warn("lines of the log are missing here: nobody read it, or it could not be written", "lines", lines)
		return b.Bytes()
	})
	cmd.SetErr(out)
	// What libraries say by themselves; gRPC's errors are all that it says.
	stdlog.SetOutput(out)
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, out))
	// Without this a pipe of standard output or error that has lost its reader ends the
	// process. Ignored, the signal would be so in plugins too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return logger(l, out), nil
}

// settle lets what a command said through outlets be written, for a while.
func settle(cmd *cobra.Command) {
	for _, w := range []io.Writer{cmd.OutOrStdout(), cmd.ErrOrStderr()} {
		if o, ok := w.(*outlet); ok {
			o.close(flushTimeout)
		}
	}
}
