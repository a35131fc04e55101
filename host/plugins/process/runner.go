package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-plugin/runner"
)

// processRunner starts the process for go-plugin. Unlike go-plugin's own runner it reads
// the output itself, for three reasons. go-plugin's reader of stderr panics on a line that
// looks like a log entry and is none. Its reader of stdout stops at a long line, which
// blocks the plugin. And while a child of the plugin holds the pipes, it does not notice
// that the plugin has ended, and cannot be killed.
type processRunner struct {
	p         *Process
	handshake *io.PipeReader // the first line of the process's stdout
	announce  *io.PipeWriter
	dialed    net.Addr
	notPlugin chan struct{} // closed when its output did not begin with a handshake
}

// isNotPlugin reports whether the process's standard output ended, or had something else,
// where a plugin's has the handshake.
func (r *processRunner) isNotPlugin() bool {
	select {
	case <-r.notPlugin:
		return true
	default:
		return false
	}
}

var _ runner.Runner = (*processRunner)(nil)

// newRunner returns the runner of the process. env is go-plugin's part of its environment.
func (p *Process) newRunner(env []string) *processRunner {
	r := &processRunner{p: p, notPlugin: make(chan struct{})}
	r.handshake, r.announce = io.Pipe()
	p.cmd.Env = append(p.cmd.Env, env...)
	return r
}

// Start implements runner.Runner. It starts the process, its readers and its reaper.
func (r *processRunner) Start(context.Context) error {
	p := r.p
	var ends []*os.File // the process's
	defer func() { closeAll(ends...) }()
	stdin, lifeline, err := os.Pipe() // close-on-exec, like the others
	if err != nil {
		return err
	}
	ends = append(ends, stdin)
	stdout, stdoutEnd, err := os.Pipe()
	if err != nil {
		closeAll(lifeline)
		return err
	}
	ends = append(ends, stdoutEnd)
	stderr, stderrEnd, err := os.Pipe()
	if err != nil {
		closeAll(lifeline, stdout)
		return err
	}
	ends = append(ends, stderrEnd)

	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdoutEnd, stderrEnd
	// In a process group of its own, a plugin is not reached by a terminal's ^C: the host ends it in
	// order. And kill reaches the plugin's children too.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sealDescriptors()
	err = p.track(p.execute)
	if err != nil {
		p.startErr = err
		closeAll(lifeline, stdout, stderr)
		_ = r.announce.Close()
		return err
	}
	p.mu.Lock()
	p.PID, p.lifeline, p.stdout, p.stderr = p.cmd.Process.Pid, lifeline, stdout, stderr
	killed := p.killReason != ""
	if killed { // while it was being started
		p.killGroupLocked()
	}
	p.mu.Unlock()

	p.Log = p.Log.With("pid", p.PID)
	p.output.log = p.Log // the readers do not run yet
	var readers sync.WaitGroup
	readers.Go(func() { p.output.follow(stderr) })
	readers.Go(r.readStdout)
	go p.reap(&readers)
	return nil
}

// closeAll closes pipes that have no data in them. Nil files are left out.
func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// execute starts the verified file, and ends the process again if the file was changed
// meanwhile.
func (p *Process) execute() error {
	path, args, err := p.executable.Command(p.Dir)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		p.interpreter = path
	}
	p.cmd.Path, p.cmd.Args = path, args
	if err = p.cmd.Start(); err == nil {
		if err = p.executable.VerifyUnchanged(); err == nil {
			return nil
		}
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return err
	}
	if wrong := (*fs.PathError)(nil); errors.As(err, &wrong) {
		wrong.Path = p.Binary.Path // and not its descriptor's
	}
	return err
}

// readStdout gives the first line, the handshake, to go-plugin, and the rest to the log.
func (r *processRunner) readStdout() {
	in := bufio.NewReaderSize(r.p.stdout, maxLine)
	line, err := in.ReadSlice('\n')
	if err == nil && bytes.Count(line, []byte("|")) >= 3 {
		// go-plugin never closes its end, and reads it until ours is closed.
		_, _ = r.announce.Write(bytes.Clone(line))
	} else {
		// Not a handshake: go-plugin is told that there is no more output.
		r.p.badHandshake = len(line) > 0
		close(r.notPlugin)
		_ = r.announce.Close()
		r.p.output.writeLine(line)
	}
	r.p.output.follow(in)
	_ = r.announce.Close()
}

// Stdout implements runner.Runner. It ends when the process has ended.
func (r *processRunner) Stdout() io.ReadCloser { return r.handshake }

// Stderr implements runner.Runner: there is nothing for go-plugin to read.
func (r *processRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait implements runner.Runner.
func (r *processRunner) Wait(context.Context) error {
	<-r.p.exited
	return nil
}

// Kill implements runner.Runner. go-plugin calls it when a start failed. It also calls it
// two seconds after it asked the plugin to end, or at once if that request failed; but a
// plugin that was asked to end is left to Stop, which gives it more time to close its
// instances.
func (r *processRunner) Kill(context.Context) error {
	r.p.mu.Lock()
	stopping := r.p.stopping
	r.p.mu.Unlock()
	// A process without a handshake is mostly about to end. If it is not killed, its own exit
	// status and last output are known.
	if !stopping && r.p.PID != 0 && r.isNotPlugin() && r.p.EndsSoon() {
		return nil
	}
	if !stopping {
		r.p.kill("it did not start")
	}
	if r.p.PID != 0 {
		<-r.p.exited
	}
	return nil
}

// Diagnose implements runner.Runner. It returns nothing: Launcher makes the message.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// Name implements runner.Runner.
func (r *processRunner) Name() string { return filepath.Base(r.p.Binary.Path) }

// ID implements runner.Runner. It is empty before the start, as go-plugin expects.
func (r *processRunner) ID() string {
	if r.p.PID == 0 {
		return ""
	}
	return strconv.Itoa(r.p.PID)
}

// PluginToHost implements runner.Runner. It fails unless the address where the plugin
// listens is in the plugin's folder or a loopback address: the host's calls carry secrets
// of tenants, and must not go to somebody else.
func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	switch network {
	case "unix":
		if !strings.HasPrefix(filepath.Clean(address), r.p.Dir+string(filepath.Separator)) {
			return "", "", fmt.Errorf("it listens at %s, which is not in the folder that it was given", address)
		}
		r.dialed = &net.UnixAddr{Net: network, Name: address}
	case "tcp":
		a, err := net.ResolveTCPAddr(network, address)
		if err != nil || !a.IP.IsLoopback() {
			return "", "", fmt.Errorf("it listens at %s, which is no loopback address", address)
		}
		r.dialed = a
	default:
		return "", "", fmt.Errorf("it listens at an unknown kind of address, %s", network)
	}
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (r *processRunner) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}

// dial connects to the address of PluginToHost. Unlike go-plugin's own it ends when ctx
// does.
func (r *processRunner) dial(ctx context.Context, _ string) (net.Conn, error) {
	if r.dialed == nil {
		return nil, errors.New("the plugin has not said where it listens")
	}
	var d net.Dialer
	return d.DialContext(ctx, r.dialed.Network(), r.dialed.String())
}
