package plugintest

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/botyard/botyard/sdk"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// maxTail bounds how much of a process's output is kept for messages.
const maxTail = 4 << 10

// process is one run of the executable, without go-plugin: what a host of any make would
// start.
type process struct {
	cmd       *exec.Cmd
	dir       string
	stdin     io.WriteCloser
	secret    sdk.Secret
	handshake string // the first line of standard output, without its end
	conn      *grpc.ClientConn
	output    tail
	exited    chan struct{}
}

// tail keeps the end of an output. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-maxTail):]
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

// start starts the executable, reads its handshake, and connects to it. The caller ends the
// process with kill.
func (b *bench) start(ctx context.Context) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return nil, err
	}
	p := &process{dir: dir, secret: sdk.Secret(rand.Text()), exited: make(chan struct{})}
	for _, sub := range []string{"home", "socket", "data"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, err
		}
	}
	p.cmd = exec.Command(b.path)
	p.cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + dir,
		sdk.Handshake.MagicCookieKey + "=" + sdk.Handshake.MagicCookieValue,
		"PLUGIN_PROTOCOL_VERSIONS=1", "PLUGIN_UNIX_SOCKET_DIR=" + filepath.Join(dir, "socket"),
		sdk.DataDirEnv + "=" + filepath.Join(dir, "data"),
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	// A pipe of its own, because Wait of package exec would wait for readers of StdoutPipe.
	out, outEnd, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = outEnd, &p.output
	err = p.cmd.Start()
	_ = outEnd.Close() // the process has its own copy
	if err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("the system does not run it: %w", err)
	}
	lines := make(chan string, 1)
	go func() {
		in := bufio.NewReader(out)
		line, _ := in.ReadString('\n') // an end without a line is an empty line
		lines <- strings.TrimSuffix(line, "\n")
		_, _ = io.Copy(&p.output, in) // the output ends with the process
		_ = out.Close()
	}()
	go func() {
		_ = p.cmd.Wait() // ProcessState has the status
		close(p.exited)
	}()
	if _, err := io.WriteString(p.stdin, string(p.secret)+"\n"); err != nil {
		p.kill()
		return nil, p.because(fmt.Errorf("it does not read its standard input: %w", err))
	}
	select {
	case p.handshake = <-lines:
	case <-ctx.Done():
		p.kill()
		return nil, p.because(errors.New("it writes no line to standard output"))
	}
	path, err := p.socket()
	if err == nil {
		p.conn, err = dial(path, grpc.WithPerRPCCredentials(p.secret))
	}
	if err != nil {
		p.kill()
		return nil, p.because(err)
	}
	return p, nil
}

// socket returns the path of the socket that the handshake names.
func (p *process) socket() (string, error) {
	parts := strings.Split(p.handshake, "|")
	if len(parts) < 5 || parts[0] != "1" || parts[1] != "1" || parts[4] != "grpc" {
		return "", fmt.Errorf("the first line of its standard output is %.200q, and not 1|1|unix|PATH|grpc|", p.handshake)
	}
	if parts[2] != "unix" || !strings.HasPrefix(filepath.Clean(parts[3]), p.dir+string(filepath.Separator)) {
		return "", fmt.Errorf("it listens at %s %.200q, and not at a unix socket in PLUGIN_UNIX_SOCKET_DIR", parts[2], parts[3])
	}
	return parts[3], nil
}

// dial connects to the socket, with the limits of a host.
func dial(path string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///plugin", append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDisableRetry(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(sdk.MaxAnswerBytes), grpc.MaxCallSendMsgSize(sdk.MaxMessageBytes), grpc.WaitForReady(true)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}))...)
}

// hasExited reports whether the process has ended.
func (p *process) hasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// kill ends the process and what it started in its process group, and closes the connection.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // an error says that it has ended
	<-p.exited
	_ = p.stdin.Close()
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// because adds the end of the process's output to err.
func (p *process) because(err error) error {
	if err == nil {
		return nil
	}
	if p.hasExited() && p.cmd.ProcessState != nil {
		err = fmt.Errorf("%w (%s)", err, p.cmd.ProcessState)
	}
	if text := p.output.String(); text != "" {
		err = fmt.Errorf("%w; it said: %s", err, text)
	}
	return err
}

// running returns a process that the rules of calls share. It starts one if there is none.
func (b *bench) running(ctx context.Context) (*process, error) {
	if b.shared != nil && !b.shared.hasExited() {
		return b.shared, nil
	}
	b.endShared()
	p, err := b.start(ctx)
	b.shared = p
	return p, err
}

// endShared ends the shared process.
func (b *bench) endShared() {
	if b.shared != nil {
		b.shared.kill()
		b.shared = nil
	}
}
