package hostproc

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running server process.
type Process struct {
	Addr    string // host:port
	PID     int
	Started time.Time // time just before the process was started

	dir    string
	cmd    *exec.Cmd
	output outputTail
	done   chan struct{}
}

// startTimeout is how long a server may take from its start until it prints its address. Host.Ready uses
// it as its bound too.
const startTimeout = 30 * time.Second

// start starts the command and waits until the command prints "listening on http://ADDR". The returned
// process owns the folder dir, which Stop removes.
func start(dir string, env []string, name string, args ...string) (*Process, error) {
	p := &Process{dir: dir, cmd: exec.Command(name, args...), done: make(chan struct{})}
	// The plugins create their sockets below this TMPDIR. The path is short because paths of Unix sockets
	// must be short.
	tmp := filepath.Join(dir, "t")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, err
	}
	p.cmd.Env = append(append(os.Environ(), "TMPDIR="+tmp), env...)
	p.cmd.Stderr = &p.output
	// Pdeathsig makes the kernel stop the started process when this process ends, for whatever reason.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.Started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.PID = p.cmd.Process.Pid
	listening := make(chan string, 1)
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "listening on http://"); ok {
				listening <- url
				break
			}
		}
		_, _ = io.Copy(&p.output, out)
		_ = p.cmd.Wait()
	}()
	select {
	case p.Addr = <-listening:
		return p, nil
	case <-p.done:
		err = errors.New("it ended")
	case <-time.After(startTimeout):
		err = fmt.Errorf("it did not serve within %s", startTimeout)
	}
	p.Stop()
	return nil, fmt.Errorf("%s: %w: %s", name, err, &p.output)
}

// stopTimeout is how long a server may take to stop after SIGTERM.
const stopTimeout = 30 * time.Second

// Stop stops the process with SIGTERM, and with SIGKILL if it still runs after stopTimeout. Then Stop
// removes the folder of the process.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = os.RemoveAll(p.dir)
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Output returns the newest output of the process, from standard error and standard output.
func (p *Process) Output() string { return p.output.String() }

// outputTail stores the newest output of a process, at most maxOutputBytes. It is safe for concurrent use.
type outputTail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

const maxOutputBytes = 64 << 10

// Write implements io.Writer.
func (s *outputTail) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.b.Len()+len(b) > maxOutputBytes {
		s.b.Reset()
	}
	return s.b.Write(b)
}

// String returns the stored output.
func (s *outputTail) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
