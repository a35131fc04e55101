package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

// binaries is the folder with botyard and plugins/, built once for all tests.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "botyard-e2e")
	if err != nil {
		panic(err)
	}
	code := 1
	if err := build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		binaries = dir
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	for _, p := range [][2]string{
		{"../cmd/botyard", "botyard"},
		{"../../plugins/llm-echo/cmd/botyard-llm-echo", "plugins/botyard-llm-echo"},
		{"../../plugins/llm-ollama/cmd/botyard-llm-ollama", "plugins/botyard-llm-ollama"},
		{"../../plugins/memory-buffer/cmd/botyard-memory-buffer", "plugins/botyard-memory-buffer"},
		{"../../plugins/storage-memory/cmd/botyard-storage-memory", "plugins/botyard-storage-memory"},
		{"../../plugins/storage-sqlite/cmd/botyard-storage-sqlite", "plugins/botyard-storage-sqlite"},
		{"../../plugins/storage-postgres/cmd/botyard-storage-postgres", "plugins/botyard-storage-postgres"},
	} {
		if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, p[1]), p[0]).CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", p[0], err, out)
		}
	}
	return nil
}

// yard is a running host with its own folder and port.
type yard struct {
	t    *testing.T
	dir  string
	url  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the host ended
	log  *lockedBuffer
	http *http.Client

	listen, scheme string              // empty: 127.0.0.1 and http
	config         string              // path of the host file; empty: botyard.hcl in dir
	env            []string            // beside this process's
	args           []string            // of serve, beside the others
	stdout, stderr *os.File            // instead of log
	extra          []*os.File          // that the host inherits, from descriptor 3 on
	as             *syscall.Credential // whom the host runs as; nil: the test's own user
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

// start runs a host on a free port. config is the host file's text, without listen,
// plugin_dirs and tenant_dirs; tenants maps file names to texts.
func start(t *testing.T, config string, tenants map[string]string) *yard {
	t.Helper()
	y := lay(t, config, tenants)
	y.runUntilTheEnd()
	return y
}

// lay makes the folder of a host that is not started.
func lay(t *testing.T, config string, tenants map[string]string) *yard {
	t.Helper()
	y := &yard{t: t, dir: shortDir(t), http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	y.write("botyard.hcl", "plugin_dirs = [\""+filepath.Join(binaries, "plugins")+"\"]\ntenant_dirs = [\"tenants\"]\n"+config)
	if err := os.MkdirAll(filepath.Join(y.dir, "tenants"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range tenants {
		y.write("tenants/"+name, text)
	}
	return y
}

// runUntilTheEnd runs the host until the test ends.
func (y *yard) runUntilTheEnd() {
	y.t.Helper()
	y.run()
	y.endWithTheTest()
}

func (y *yard) endWithTheTest() {
	y.t.Cleanup(func() {
		y.stop(syscall.SIGTERM)
		y.http.CloseIdleConnections()
		if y.t.Failed() {
			y.t.Logf("the host's log:\n%s", y.log)
		}
	})
}

// shortDir is a temporary folder short enough for the sockets below it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "by")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (y *yard) write(name, text string) {
	y.t.Helper()
	if err := os.WriteFile(filepath.Join(y.dir, name), []byte(text), 0o600); err != nil {
		y.t.Fatal(err)
	}
}

// run starts the host's process and waits until it is ready.
func (y *yard) run() {
	y.t.Helper()
	y.launch()
	y.awaitReady()
}

// launch starts the host's process; one that ran before keeps its address.
func (y *yard) launch() {
	y.t.Helper()
	if y.url == "" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			y.t.Fatal(err)
		}
		y.url = cmp.Or(y.scheme, "http") + "://" + l.Addr().String()
		_ = l.Close()
	}
	_, addr, _ := strings.Cut(y.url, "://")
	if y.listen != "" {
		_, port, _ := net.SplitHostPort(addr)
		addr = net.JoinHostPort(y.listen, port)
	}
	y.log, y.done = &lockedBuffer{}, make(chan struct{})
	y.cmd = exec.Command(filepath.Join(binaries, "botyard"), "serve",
		"--config", cmp.Or(y.config, filepath.Join(y.dir, "botyard.hcl")), "--listen", addr)
	y.cmd.Stdout, y.cmd.Stderr = y.log, y.log
	y.cmd.Args = append(y.cmd.Args, y.args...)
	if y.stdout != nil {
		y.cmd.Stdout = y.stdout
	}
	if y.stderr != nil {
		y.cmd.Stderr = y.stderr
	}
	// Its own temporary folder, so that what is left behind can be seen.
	tmp := filepath.Join(y.dir, "t")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		y.t.Fatal(err)
	}
	y.cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "HOST_ONLY_SECRET=do-not-tell")
	y.cmd.Env = append(y.cmd.Env, y.env...)
	y.cmd.ExtraFiles = y.extra
	y.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: y.as}
	if err := y.cmd.Start(); err != nil {
		y.t.Fatal(err)
	}
	done := y.done
	cmd := y.cmd
	go func() { _ = cmd.Wait(); close(done) }()
}

func (y *yard) awaitReady() {
	y.t.Helper()
	y.eventually(30*time.Second, "the host is ready", func() bool {
		select {
		case <-y.done:
			y.t.Fatalf("the host ended:\n%s", y.log)
		default:
		}
		r, err := y.http.Get(y.url + "/readyz")
		if err != nil {
			return false
		}
		_ = r.Body.Close()
		return r.StatusCode == 200
	})
}

// stop signals the host and waits for its end.
func (y *yard) stop(sig syscall.Signal) {
	y.t.Helper()
	_ = y.cmd.Process.Signal(sig)
	select {
	case <-y.done:
	case <-time.After(40 * time.Second):
		_ = y.cmd.Process.Kill()
		y.t.Errorf("the host did not end after %s:\n%s", sig, y.log)
	}
}

func (y *yard) eventually(within time.Duration, what string, ok func() bool) {
	y.t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			y.t.Fatalf("not within %s: %s\n%s", within, what, y.log)
		}
	}
}

type answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Of a chat reply.
	Conversation string `json:"conversation_id"`
	Turn         int64
	Reply        string
	Usage        struct {
		Input  int64 `json:"input_tokens"`
		Output int64 `json:"output_tokens"`
	}
	Bot struct {
		Tenant, Revision string
		Cached           bool
	}
	// Of a problem.
	Class, Detail, Path string
	Retryable           bool
}

// do sends a request with headers given as "Name: value".
func (y *yard) do(method, path, body string, headers ...string) answer {
	y.t.Helper()
	a, err := y.try(context.Background(), method, path, body, headers...)
	if err != nil {
		y.t.Fatal(err)
	}
	return a
}

func (y *yard) try(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, y.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	setHeaders(req, headers)
	resp, err := y.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{Status: resp.StatusCode, Header: resp.Header}
	if a.Body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	_ = json.Unmarshal(a.Body, &a) // what is no object of ours stays in Body
	return a, nil
}

func setHeaders(req *http.Request, headers []string) {
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
}

func chatBody(conversation, message string) string {
	b, err := json.Marshal(map[string]string{"conversation_id": conversation, "message": message})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (y *yard) chat(tenant, conversation, message string) answer {
	y.t.Helper()
	return y.do("POST", "/api/v1/chat", chatBody(conversation, message), "X-Tenant-ID: "+tenant)
}

// mustChat is chat that has to succeed.
func (y *yard) mustChat(tenant, conversation, message string) answer {
	y.t.Helper()
	a := y.chat(tenant, conversation, message)
	if a.Status != 200 {
		y.t.Fatalf("%s/%s: %d %s", tenant, conversation, a.Status, a.Body)
	}
	return a
}

func (y *yard) put(tenant, settings string) {
	y.t.Helper()
	if a := y.do("PUT", "/admin/v1/tenants/"+tenant, settings); a.Status/100 != 2 {
		y.t.Fatalf("PUT %s: %d %s", tenant, a.Status, a.Body)
	}
}

type pluginStatus struct {
	Kind, Name, State string
	PID               int
	Restarts          int
	Instances         int
	Calls, Waiting    int
	OpenCircuits      int    `json:"open_circuits"`
	LastError         string `json:"last_error"`
}

func (y *yard) plugins() map[string]pluginStatus {
	y.t.Helper()
	a := y.do("GET", "/admin/v1/plugins", "")
	var list struct{ Plugins []pluginStatus }
	if err := json.Unmarshal(a.Body, &list); err != nil || a.Status != 200 {
		y.t.Fatalf("%v: %d %s", err, a.Status, a.Body)
	}
	out := map[string]pluginStatus{}
	for _, p := range list.Plugins {
		out[p.Kind+"-"+p.Name] = p
	}
	return out
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
