package cli

import (
	"time"

	"github.com/hashicorp/go-hclog"
)

// timed is a log whose durations have their unit in JSON too, where hclog writes
// nanoseconds as a bare number.
type timed struct{ hclog.Logger }

// withUnits gives the arguments with durations as text.
func withUnits(args []any) []any {
	out := args
	for i, a := range args {
		d, ok := a.(time.Duration)
		if !ok {
			continue
		}
		if &out[0] == &args[0] {
			out = append([]any(nil), args...) // they are the caller's
		}
		out[i] = d.String()
	}
	return out
}

// Log implements hclog.Logger.
func (t timed) Log(level hclog.Level, msg string, args ...any) {
	t.Logger.Log(level, msg, withUnits(args)...)
}

// Trace implements hclog.Logger.
func (t timed) Trace(msg string, args ...any) { t.Logger.Trace(msg, withUnits(args)...) }

// Debug implements hclog.Logger.
func (t timed) Debug(msg string, args ...any) { t.Logger.Debug(msg, withUnits(args)...) }

// Info implements hclog.Logger.
func (t timed) Info(msg string, args ...any) { t.Logger.Info(msg, withUnits(args)...) }

// Warn implements hclog.Logger.
func (t timed) Warn(msg string, args ...any) { t.Logger.Warn(msg, withUnits(args)...) }

// Error implements hclog.Logger.
func (t timed) Error(msg string, args ...any) { t.Logger.Error(msg, withUnits(args)...) }

// With implements hclog.Logger.
func (t timed) With(args ...any) hclog.Logger { return timed{t.Logger.With(withUnits(args)...)} }

// Named implements hclog.Logger.
func (t timed) Named(name string) hclog.Logger { return timed{t.Logger.Named(name)} }

// ResetNamed implements hclog.Logger.
func (t timed) ResetNamed(name string) hclog.Logger { return timed{t.Logger.ResetNamed(name)} }
