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
