package process

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestLineWriter_lastLine(t *testing.T) {
	var log bytes.Buffer
	var lost atomic.Int64
	l := &lineWriter{output: newOutput(hclog.New(&hclog.LoggerOptions{Output: &log}), &Sanitizer{}, &lost)}
	_, _ = l.Write([]byte("first\nsec"))
	_, _ = l.Write([]byte("ond"))
	if text := log.String(); !strings.Contains(text, "first") || strings.Contains(text, "sec") {
		t.Errorf("before the end: %s", text)
	}
	l.end()
	_, _ = l.Write([]byte("\nlate"))
	if text := log.String(); !strings.Contains(text, "second\n") || !strings.Contains(text, "late\n") || strings.Count(text, "\n") != 3 {
		t.Errorf("after the end: %s", text)
	}
}

// TestOutput_lastLine checks which line is shown with the end of a process: plain output and
// warnings are, log lines of lower levels are not.
func TestOutput_lastLine(t *testing.T) {
	const info = `{"@level":"info","@message":"listening"}` + "\n"
	for name, c := range map[string]struct{ said, want string }{
		"nothing but a log line": {info, ""},
		"plain output":           {"out of paper\n" + info, "out of paper"},
		"a warning":              {`{"@level":"warn","@message":"low ink"}` + "\n" + info, "low ink"},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutput(hclog.NewNullLogger(), &Sanitizer{}, &atomic.Int64{})
			o.follow(strings.NewReader(c.said))
			if got := o.lastLine(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
