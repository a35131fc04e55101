package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// hostProcess is a host process with its own folder and port.
type hostProcess struct {
	t    *testing.T
	dir  string
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the host's process has ended
	log  *lockedBuffer
	http *http.Client

	listen, scheme string              // listen address and URL scheme; empty is 127.0.0.1 and http
	config         string              // path of the host file; empty is botyard.hcl in dir
	env            []string            // environment variables in addition to those of this process
	args           []string            // further arguments of the command serve
	stdout, stderr *os.File            // outputs of the host; nil is log
	extra          []*os.File          // files that the host inherits as descriptors 3, 4 and so on
	as             *syscall.Credential // user of the host's process; nil is the user of the test
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const echoDefaults = `
defaults {
  llm { provider = "echo" }
  memory {
    type         = "buffer"
    max_messages = 10
  }
}
`

// start runs a host on a free port until the test ends. config is the text of the host file, without the
// keys listen, plugin_dirs and tenant_dirs. tenants has the texts of tenant files by file name.
func start(t *testing.T, config string, tenants map[string]string) *hostProcess {
	t.Helper()
	host := prepareHost(t, config, tenants)
	host.runUntilTheEnd()
	return host
}

// prepareHost creates the folder of a host. The caller starts the host with runUntilTheEnd, run or launch.
func prepareHost(t *testing.T, config string, tenants map[string]string) *hostProcess {
	t.Helper()
	host := &hostProcess{t: t, dir: shortDir(t), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	host.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\n"+config)
	if err := os.MkdirAll(filepath.Join(host.dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range tenants {
		host.write("tenants/"+name, text)
	}
	return host
}

// runUntilTheEnd starts the host and stops it when the test ends.
func (host *hostProcess) runUntilTheEnd() {
	host.t.Helper()
	host.run()
	host.endWithTheTest()
}

func (host *hostProcess) endWithTheTest() {
	host.t.Cleanup(func() {
		host.stop(syscall.SIGTERM)
		host.http.CloseIdleConnections()
		if host.t.Failed() {
			host.t.Logf("the host's log:\n%s", host.log)
		}
	})
}

// shortDir returns a temporary folder with a short path, because paths of Unix sockets must be short.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "by")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (host *hostProcess) write(name, text string) {
	host.t.Helper()
	if err := os.WriteFile(filepath.Join(host.dir, name), []byte(text), 0o600); err != nil {
		host.t.Fatal(err)
	}
}

// run starts the host's process and waits until the host is ready.
func (host *hostProcess) run() {
	host.t.Helper()
	host.launch()
	host.awaitReady()
}

// launch starts the host's process. A host that ran before gets the same address again.
func (host *hostProcess) launch() {
	host.t.Helper()
	if host.url == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			host.t.Fatal(err)
		}
		host.url = cmp.Or(host.scheme, "http") + "://" + l.Addr().String()
		_ = l.Close()
	}
	_, addr, _ := strings.Cut(host.url, "://")
	if host.listen != "" {
		_, port, _ := net.SplitHostPort(addr)
		addr = net.JoinHostPort(host.listen, port)
	}
	host.log, host.done = &lockedBuffer{}, make(chan struct{})
	host.cmd = exec.Command(filepath.Join(binaries, "botyard"), "serve",
		"--config", cmp.Or(host.config, filepath.Join(host.dir, "botyard.hcl")), "--listen", addr)
	host.cmd.Stdout, host.cmd.Stderr = host.log, host.log
	host.cmd.Args = append(host.cmd.Args, host.args...)
	if host.stdout != nil {
		host.cmd.Stdout = host.stdout
	}
	if host.stderr != nil {
		host.cmd.Stderr = host.stderr
	}
	// With a temporary folder of its own for each host, tests can see what a host leaves behind.
	tmp := filepath.Join(host.dir, "t")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		host.t.Fatal(err)
	}
	host.cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOST_ONLY_SECRET=do-not-tell")
	host.cmd.Env = append(host.cmd.Env, host.env...)
	host.cmd.ExtraFiles = host.extra
	host.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: host.as}
	if err := host.cmd.Start(); err != nil {
		host.t.Fatal(err)
	}
	done := host.done
	cmd := host.cmd
	go func() { _ = cmd.Wait(); close(done) }()
}

func (host *hostProcess) awaitReady() {
	host.t.Helper()
	host.eventually(30*time.Second, "the host is ready", func() bool {
		select {
		case <-host.done:
			host.t.Fatalf("the host ended:\n%s", host.log)
		default:
		}
		r, err := host.http.Get(host.url + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == 200
	})
}

// stop sends the host a signal and waits until its process has ended. After 40 seconds it kills the
// process and fails the test.
func (host *hostProcess) stop(sig syscall.Signal) {
	host.t.Helper()
	_ = host.cmd.Process.Signal(sig)
	select {
	case <-host.done:
	case <-time.After(40 * time.Second):
		_ = host.cmd.Process.Kill()
		host.t.Errorf("the host did not end after %s:\n%s", sig, host.log)
	}
}

func (host *hostProcess) eventually(within time.Duration, what string, ok func() bool) {
	host.t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			host.t.Fatalf("not within %s: %s\n%s", within, what, host.log)
		}
	}
}

// children returns the ids of the child processes of pid.
func children(t *testing.T, pid int) []int {
	t.Helper()
	var out []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		f, err := os.Open(path)
		if err != nil {
			continue // the process ended meanwhile
		}
		line, _ := bufio.NewReader(f).ReadString('\n')
		_ = f.Close()
		var child, parent int
		var state string
		end := strings.LastIndexByte(line, ')')
		if end < 0 {
			continue
		}
		_, _ = fmt.Sscan(line, &child)
		if _, err := fmt.Sscan(line[end+1:], &state, &parent); err == nil && parent == pid {
			out = append(out, child)
		}
	}
	return out
}
