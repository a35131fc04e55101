package cli

import (
	"bytes"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

func TestDurationLogger(t *testing.T) {
	for name, say := range map[string]func(l hclog.Logger, args ...any){
		"info":  func(l hclog.Logger, args ...any) { l.Info("x", args...) },
		"error": func(l hclog.Logger, args ...any) { l.Named("n").Error("x", args...) },
		"log":   func(l hclog.Logger, args ...any) { l.ResetNamed("n").Log(hclog.Warn, "x", args...) },
		"with":  func(l hclog.Logger, args ...any) { l.With(args...).Debug("x") },
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			args := []any{"took", 1500 * time.Microsecond, "turns", 3}
			say(durationLogger{hclog.New(&hclog.LoggerOptions{Output: &b, Level: hclog.Trace, JSONFormat: true})}, args...)
			if !bytes.Contains(b.Bytes(), []byte(`"took":"1.5ms"`)) || !bytes.Contains(b.Bytes(), []byte(`"turns":3`)) {
				t.Errorf("%s: %s", name, &b)
			}
			if args[1] != 1500*time.Microsecond {
				t.Errorf("%s changed what it was given", name)
			}
		})
	}
}
