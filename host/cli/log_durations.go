package cli

import (
	"time"

	"github.com/hashicorp/go-hclog"
)

// durationLogger is a logger that writes durations as text with a unit. hclog alone writes them
// to a JSON log as a number of nanoseconds.
type durationLogger struct{ hclog.Logger }

// durationsAsText returns a copy of args with durations replaced by text. Without durations it
// returns args itself. It does not change args.
func durationsAsText(args []any) []any {
	out := args
	for i, a := range args {
		d, ok := a.(time.Duration)
		if !ok {
			continue
		}
		if &out[0] == &args[0] {
			out = append([]any(nil), args...) // the caller owns args
		}
		out[i] = d.String()
	}
	return out
}

// Log implements hclog.Logger.
func (t durationLogger) Log(level hclog.Level, msg string, args ...any) {
	t.Logger.Log(level, msg, durationsAsText(args)...)
}

// Trace implements hclog.Logger.
func (t durationLogger) Trace(msg string, args ...any) { t.Logger.Trace(msg, durationsAsText(args)...) }

// Debug implements hclog.Logger.
func (t durationLogger) Debug(msg string, args ...any) { t.Logger.Debug(msg, durationsAsText(args)...) }

// Info implements hclog.Logger.
func (t durationLogger) Info(msg string, args ...any) { t.Logger.Info(msg, durationsAsText(args)...) }

// Warn implements hclog.Logger.
func (t durationLogger) Warn(msg string, args ...any) { t.Logger.Warn(msg, durationsAsText(args)...) }

// Error implements hclog.Logger.
func (t durationLogger) Error(msg string, args ...any) { t.Logger.Error(msg, durationsAsText(args)...) }

// With implements hclog.Logger.
func (t durationLogger) With(args ...any) hclog.Logger {
	return durationLogger{t.Logger.With(durationsAsText(args)...)}
}

// Named implements hclog.Logger.
func (t durationLogger) Named(name string) hclog.Logger { return durationLogger{t.Logger.Named(name)} }

// ResetNamed implements hclog.Logger.
func (t durationLogger) ResetNamed(name string) hclog.Logger {
	return durationLogger{t.Logger.ResetNamed(name)}
}
