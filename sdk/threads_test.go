package sdk

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestThreads(t *testing.T) {
	for _, c := range []struct {
		name, environment string
		options           []Option
		processors, want  int
	}{
		{"no option", "", nil, 8, 1},
		{"fewer than processors", "", []Option{Threads(4)}, 8, 4},
		{"more than processors", "", []Option{Threads(4)}, 2, 2},
		{"a negative number", "", []Option{Threads(-1)}, 8, 1},
		{"the environment", "3", []Option{Threads(4)}, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := runtime.GOMAXPROCS(c.processors)
			defer runtime.GOMAXPROCS(before)
			t.Setenv("GOMAXPROCS", c.environment)
			var info Info
			for _, o := range c.options {
				o(&info)
			}
			var out bytes.Buffer
			useThreads(info.threads, hclog.New(&hclog.LoggerOptions{Output: &out, JSONFormat: true}))
			if got := runtime.GOMAXPROCS(0); got != c.want {
				t.Errorf("GOMAXPROCS is %d; want %d", got, c.want)
			}
			if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), "GOMAXPROCS") {
				t.Errorf("the log has %q", out.String())
			}
		})
	}
}
