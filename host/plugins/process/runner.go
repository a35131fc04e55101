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

// processRunner starts the process for go-plugin. It reads the output itself, because the
// runner of go-plugin has three faults. Its reader of stderr panics on a line that looks
// like a log entry of hclog but is not. Its reader of stdout stops at a long line, which
// blocks the plugin. And while a child of the plugin holds the pipes, the runner does not
// notice the end of the plugin, and cannot kill the plugin.
type processRunner struct {
	p         *Process
	handshake *io.PipeReader // sends the first line of the process's stdout to go-plugin
	announce  *io.PipeWriter
	dialed    net.Addr
	notPlugin chan struct{} // closed when the process's output did not begin with a handshake
}

// isNotPlugin reports whether the process's standard output ended without a line, or began
// with a line that is not a handshake.
func (r *processRunner) isNotPlugin() bool {
	select {
	case <-r.notPlugin:
		return true
	default:
		return false
	}
}

var _ runner.Runner = (*processRunner)(nil)

// newRunner returns the runner of the process. env contains the environment variables that
// go-plugin adds.
func (p *Process) newRunner(env []string) *processRunner {
	r := &processRunner{p: p, notPlugin: make(chan struct{})}
	r.handshake, r.announce = io.Pipe()
	p.cmd.Env = append(p.cmd.Env, env...)
	return r
}

// Start implements runner.Runner. It starts the process and the goroutines that read its
// output and reap it.
func (r *processRunner) Start(context.Context) error {
	p := r.p
	var ends []*os.File // the process's ends of the pipes; the host closes its copies
	defer func() { closeAll(ends...) }()
	stdin, lifeline, err := os.Pipe() // os.Pipe sets close-on-exec
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

	// The pipe is empty and holds more than a line, so that the host does not wait here.
	if _, err = io.WriteString(lifeline, string(p.secret)+"\n"); err != nil {
		closeAll(lifeline, stdout, stderr)
		return err
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdoutEnd, stderrEnd
	// The plugin gets its own process group, so that ^C in a terminal does not reach it and
	// the host can stop it in order. The process group also lets kill reach the plugin's
	// children.
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
	if killed { // kill was called before PID was set
		p.killGroupLocked()
	}
	p.mu.Unlock()

	p.Log = p.Log.With("pid", p.PID)
	p.output.log = p.Log // the goroutines that read p.output are not started yet
	var readers sync.WaitGroup
	readers.Go(func() { p.output.follow(stderr) })
	readers.Go(r.readStdout)
	go p.reap(&readers)
	return nil
}

// closeAll closes the files, which must be pipes without unread data. It skips nil files.
func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// execute starts the verified file. It kills the new process and returns an error if the
// file changed between its verification and the start.
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
		wrong.Path = p.Binary.Path // instead of the path of the descriptor
	}
	return err
}

// readStdout sends the first line of stdout, the handshake, to go-plugin, and writes all
// further lines to the log. If the first line is not a handshake, readStdout keeps the
// beginning of the output for the error of the start.
func (r *processRunner) readStdout() {
	in := bufio.NewReaderSize(r.p.stdout, maxLine)
	line, err := in.ReadSlice('\n')
	if err == nil && bytes.Count(line, []byte("|")) >= 3 {
		// go-plugin reads its end of the pipe until announce is closed.
		_, _ = r.announce.Write(bytes.Clone(line))
	} else {
		// The line is not a handshake. Closing announce tells go-plugin that the output has
		// ended.
		r.p.badHandshake = len(line) > 0
		_, _ = r.p.preamble.Write(line)
		in = bufio.NewReaderSize(io.TeeReader(in, &r.p.preamble), maxLine)
		close(r.notPlugin)
		_ = r.announce.Close()
		r.p.output.writeLine(line)
	}
	r.p.output.follow(in)
	_ = r.announce.Close()
}

// Stdout implements runner.Runner. The reader reaches its end when the process has ended.
func (r *processRunner) Stdout() io.ReadCloser { return r.handshake }

// Stderr implements runner.Runner. It returns an empty reader, because the host reads
// stderr.
func (r *processRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Wait implements runner.Runner.
func (r *processRunner) Wait(context.Context) error {
	<-r.p.exited
	return nil
}

// Kill implements runner.Runner. go-plugin calls Kill after a failed start, and when cleanUp
// closes its client, after the end of the process.
func (r *processRunner) Kill(context.Context) error {
	// A process without a handshake usually ends by itself soon. Kill lets it do so,
	// because its exit status and last output say why it failed.
	if r.p.PID != 0 && r.isNotPlugin() && r.p.EndsSoon() {
		return nil
	}
	r.p.kill("it did not start")
	if r.p.PID != 0 {
		<-r.p.exited
	}
	return nil
}

// Diagnose implements runner.Runner. It returns an empty string, because Launcher creates
// the error message.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// Name implements runner.Runner.
func (r *processRunner) Name() string { return filepath.Base(r.p.Binary.Path) }

// ID implements runner.Runner. It returns an empty string before the start, as go-plugin
// expects.
func (r *processRunner) ID() string {
	if r.p.PID == 0 {
		return ""
	}
	return strconv.Itoa(r.p.PID)
}

// PluginToHost implements runner.Runner. It returns an error if the address at which the
// plugin listens is neither in the plugin's folder nor a loopback address. The host's calls
// contain secrets of tenants, so the host connects to no other address.
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

// dial connects to the address that PluginToHost accepted. It stops when ctx ends, which
// the dialer of go-plugin does not.
func (r *processRunner) dial(ctx context.Context, _ string) (net.Conn, error) {
	if r.dialed == nil {
		return nil, errors.New("the plugin has not said where it listens")
	}
	var d net.Dialer
	return d.DialContext(ctx, r.dialed.Network(), r.dialed.String())
}
