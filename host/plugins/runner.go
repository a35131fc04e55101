package plugins

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
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/hashicorp/go-plugin/runner"
)

// processRunner starts the process for go-plugin. Unlike go-plugin's own it reads
// the output itself. go-plugin's reader of stderr panics on a line that looks like
// a log entry and is none, with a null logger too; its reader of stdout stops at a
// long line, which blocks the plugin; and as long as a child of the plugin holds
// the pipes, it does not notice that the plugin has ended, and cannot be killed.
type processRunner struct {
	p         *process
	handshake *io.PipeReader // the first line of the process's stdout
	announce  *io.PipeWriter
	dialed    net.Addr
	noPlugin  chan struct{} // closed when its standard output did not begin as a plugin's
}

// isNoPlugin reports whether the process's standard output ended, or had something else,
// where a plugin's has the handshake.
func (r *processRunner) isNoPlugin() bool {
	select {
	case <-r.noPlugin:
		return true
	default:
		return false
	}
}

var _ runner.Runner = (*processRunner)(nil)

// newRunner prepares the process; env is go-plugin's share of its environment.
func (p *process) newRunner(env []string) (*processRunner, error) {
	r := &processRunner{p: p, noPlugin: make(chan struct{})}
	r.handshake, r.announce = io.Pipe()
	p.cmd.Env = append(p.cmd.Env, env...)
	return r, nil
}

// Start implements runner.Runner.
func (r *processRunner) Start(context.Context) error {
	p := r.p
	var ends []*os.File // the process's
	closeAll := func(files ...*os.File) {
		for _, f := range files {
			if f != nil {
				_ = f.Close() // pipes without data in them
			}
		}
	}
	defer func() { closeAll(ends...) }()
	pipe := func() (read, write *os.File, err error) { return os.Pipe() } // close-on-exec
	stdin, lifeline, err := pipe()
	if err != nil {
		return err
	}
	ends = append(ends, stdin)
	stdout, stdoutEnd, err := pipe()
	if err != nil {
		closeAll(lifeline)
		return err
	}
	ends = append(ends, stdoutEnd)
	stderr, stderrEnd, err := pipe()
	if err != nil {
		closeAll(lifeline, stdout)
		return err
	}
	ends = append(ends, stderrEnd)

	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdoutEnd, stderrEnd
	// A process group of its own: a terminal's ^C reaches the host only, which ends its plugins in
	// order; kill reaches what the plugin started, and killRest finds it.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sealDescriptors()
	err = p.bear(p.execute)
	if err != nil {
		p.execErr = err
		closeAll(lifeline, stdout, stderr)
		_ = r.announce.Close()
		return err
	}
	p.mu.Lock()
	p.pid, p.lifeline, p.stdout, p.stderr = p.cmd.Process.Pid, lifeline, stdout, stderr
	killed := p.reason != ""
	if killed { // while it was being started
		p.killGroup()
	}
	p.mu.Unlock()

	p.log = p.log.With("pid", p.pid)
	p.words.log = p.log // nobody reads or writes it yet
	var readers sync.WaitGroup
	readers.Go(func() { p.words.follow(stderr) })
	readers.Go(r.readStdout)
	go p.reap(&readers)
	return nil
}

// execute starts the file that was let in.
func (p *process) execute() error {
	path, args, err := p.exe.Command(p.dir)
	if err != nil {
		return err
	}
	if len(args) > 1 {
		p.interpreter = path
	}
	p.cmd.Path, p.cmd.Args = path, args
	if err = p.cmd.Start(); err == nil {
		if err = p.exe.VerifyUnchanged(); err == nil {
			return nil
		}
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return err
	}
	if wrong := (*fs.PathError)(nil); errors.As(err, &wrong) {
		wrong.Path = p.bin.Path // and not its descriptor's
	}
	return err
}

// readStdout gives the first line to go-plugin and the rest to the log.
func (r *processRunner) readStdout() {
	in := bufio.NewReaderSize(r.p.stdout, maxLine)
	line, err := in.ReadSlice('\n')
	if err == nil && bytes.Count(line, []byte("|")) >= 3 {
		// go-plugin never closes its end, and reads it until ours is closed.
		_, _ = r.announce.Write(bytes.Clone(line))
	} else {
		// Not how a plugin begins: go-plugin is told that there is no more.
		r.p.babbled = len(line) > 0
		close(r.noPlugin)
		_ = r.announce.Close()
		r.p.words.say(line)
	}
	r.p.words.follow(in)
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

// Kill implements runner.Runner. go-plugin calls it when a start failed, and two
// seconds after it asked the plugin to end, or at once if that request failed. A
// plugin that was asked to end is left to stop, which gives it more time to close
// its instances.
func (r *processRunner) Kill(context.Context) error {
	r.p.mu.Lock()
	orderly := r.p.orderly
	r.p.mu.Unlock()
	// One that does not begin as a plugin is ending, mostly; then it is known how it ended,
	// and what it said last.
	if !orderly && r.p.pid != 0 && r.isNoPlugin() && r.p.endsSoon() {
		return nil
	}
	if !orderly {
		r.p.kill("it did not start")
	}
	if r.p.pid != 0 {
		<-r.p.exited
	}
	return nil
}

// Diagnose implements runner.Runner. launch makes the message.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// Name implements runner.Runner.
func (r *processRunner) Name() string { return filepath.Base(r.p.bin.Path) }

// ID implements runner.Runner. It is empty before the start: so go-plugin asks.
func (r *processRunner) ID() string {
	if r.p.pid == 0 {
		return ""
	}
	return strconv.Itoa(r.p.pid)
}

// PluginToHost implements runner.Runner. A plugin says where it listens; it must
// not send the host, with a tenant's secrets, to somebody else.
func (r *processRunner) PluginToHost(network, address string) (string, string, error) {
	switch network {
	case "unix":
		if !strings.HasPrefix(filepath.Clean(address), r.p.dir+string(filepath.Separator)) {
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

// dial connects to where the plugin said that it listens. Unlike go-plugin's it
// gives up when ctx does.
func (r *processRunner) dial(ctx context.Context, _ string) (net.Conn, error) {
	if r.dialed == nil {
		return nil, errors.New("the plugin has not said where it listens")
	}
	var d net.Dialer
	return d.DialContext(ctx, r.dialed.Network(), r.dialed.String())
}

// command is the process as it will be started, without go-plugin's environment.
func command(path, dir string, env []string) *exec.Cmd {
	cmd := exec.Command(path)
	// No PATH and nothing of the host's: its environment has every tenant's keys.
	cmd.Env = append([]string{"TMPDIR=" + dir}, env...)
	return cmd
}
