package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

// say makes the host write more log lines than the buffers of a pipe and of the host can hold. It returns
// their number.
func (host *hostProcess) say() (lines int) {
	long := strings.Repeat("x", 30<<10)
	const requests = 100
	for i := range requests {
		if a := host.do("GET", fmt.Sprintf("/%s/%d", long, i), ""); a.Status != 404 {
			host.t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	return requests
}

// ends stops the host with a signal and checks that its exit status is 0.
func (host *hostProcess) ends(sig syscall.Signal) {
	host.t.Helper()
	host.stop(sig)
	if code := host.cmd.ProcessState.ExitCode(); code != 0 {
		host.t.Errorf("exit status %d (%s)", code, host.cmd.ProcessState)
	}
}

// TestLogOutput_nobodyReads checks hosts that cannot write their output, because the reader is gone, the
// reader does not read, or the disk is full. Turns and the stop of the host must work.
func TestLogOutput_nobodyReads(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = full.Close() })
	for _, c := range []struct {
		name   string
		output func(t *testing.T) *os.File
	}{
		{"the reader is gone", func(t *testing.T) *os.File { r, w := pipe(t); _ = r.Close(); return w }},
		{"nobody reads", func(t *testing.T) *os.File { _, w := pipe(t); return w }},
		{"the disk is full", func(*testing.T) *os.File { return full }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			host := prepareHost(t, echoDefaults, map[string]string{"a.hcl": ""})
			host.args = []string{"--log-level", "debug"}
			host.stderr = c.output(t)
			host.stdout = host.stderr
			host.runUntilTheEnd()
			for i := range 3 {
				host.say()
				host.mustChat("a", "c", fmt.Sprint("message ", i))
			}
			host.ends(syscall.SIGTERM)
		})
	}
}

// TestLogOutput_readerComesBack checks that the host counts the log lines that it had to drop, and that it
// logs this number when the reader reads again.
func TestLogOutput_readerComesBack(t *testing.T) {
	r, w := pipe(t)
	host := prepareHost(t, echoDefaults, map[string]string{"a.hcl": ""})
	host.args = []string{"--log-level", "debug", "--log-json"}
	host.stderr = w
	host.run()
	_ = w.Close() // the host has a copy of this descriptor
	said := host.say()
	read := make(chan map[string]int, 1)
	var heard atomic.Bool // the log has the line of a later turn
	go func() {
		counts := map[string]int{}
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				if err != io.EOF || len(line) > 0 {
					t.Errorf("%q: %v", line, err)
				}
				read <- counts
				return
			}
			var entry struct {
				Message string `json:"@message"`
				Path    string
				Lines   int
			}
			if err := json.Unmarshal(line, &entry); err != nil {
				t.Errorf("%.100q: %v", line, err)
			}
			switch {
			case entry.Lines > 0 && strings.Contains(entry.Message, "missing"):
				counts["missing"] += entry.Lines
			case strings.HasPrefix(entry.Path, "/xxx"):
				counts["there"]++
			case entry.Path == "/api/v1/chat":
				heard.Store(true)
			}
		}
	}()
	host.eventually(30*time.Second, "what is said now is in the log", func() bool {
		host.mustChat("a", "c", "hello")
		return heard.Load()
	})
	host.ends(syscall.SIGTERM)
	counts := <-read
	if counts["there"] >= said || counts["missing"] < said-counts["there"] || counts["missing"] > said+1000 {
		t.Errorf("%v, of %d", counts, said)
	}
}
