package cli

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"botyard": func() { os.Exit(Main()) }})
}

// TestScripts runs the scripts in testdata. In a script, the command botyard is a process, and
// the plugins are real binaries.
func TestScripts(t *testing.T) {
	built := t.TempDir()
	for _, name := range []string{"llm-echo", "llm-ollama", "memory-buffer", "storage-memory", "storage-sqlite"} {
		build := exec.Command("go", "build", "-o", filepath.Join(built, "botyard-"+name), "./cmd/botyard-"+name)
		build.Dir = filepath.Join("..", "..", "plugins", name)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	configs, err := filepath.Abs(filepath.Join("..", "..", "configs"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			// Each script has a copy of the plugins of its own, so that cmdNothingLeft can tell
			// its plugins from those of other scripts. The sample configuration looks for
			// plugins in ../bin/plugins.
			plugins := filepath.Join(env.WorkDir, "bin", "plugins")
			env.Setenv("PLUGINS", plugins)
			env.Setenv("OLLAMA_HOST", "127.0.0.1:1")
			env.Setenv("TMPDIR", os.TempDir()) // The path of a Unix socket must be short.
			env.Values[processes{}] = map[string]*process{}
			if err := os.CopyFS(filepath.Join(env.WorkDir, "configs"), os.DirFS(configs)); err != nil {
				return err
			}
			if err := os.CopyFS(plugins, os.DirFS(built)); err != nil {
				return err
			}
			return age(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": cmdStatus, "start": cmdStart, "signal": cmdSignal, "type": cmdType, "end": cmdEnd,
			"ollama": cmdOllama, "nothing-left": cmdNothingLeft, "get": cmdGet,
			"stopping": cmdStopping, "address": cmdAddress,
		},
	})
}

// age sets the modification time of all files to an hour ago, because a host waits before it
// reads a file that was just written.
func age(dir string) error {
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		before := time.Now().Add(-time.Hour)
		return os.Chtimes(path, before, before)
	})
}

// cmdStatus runs a program and checks its exit status. Usage: status N PROGRAM...
func cmdStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

type processes struct{}

type process struct {
	cmd   *exec.Cmd
	in    interface{ Write([]byte) (int, error) }
	close func() error
	out   *strings.Builder
	lines chan string
}

// cmdStart runs botyard in the background and waits until it has printed a text. If botyard
// prints the URL on which it listens, cmdStart sets BOTYARD_URL to it. Usage: start NAME TEXT
// ARG...
func cmdStart(ts *testscript.TestScript, _ bool, args []string) {
	// testscript puts the command botyard into the first folder of the script's PATH.
	path := filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], "botyard")
	p := &process{cmd: exec.Command(path, args[2:]...), out: &strings.Builder{}, lines: make(chan string, 1000)}
	p.cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "OLLAMA_HOST", "BOTYARD_URL", "BOTYARD__SHUTDOWN_GRACE", "BOTYARD__DATA_DIR", "BOTYARD__DEFAULTS__LLM__PROVIDER", "BOTYARD__DEFAULTS__LLM__HANG_AFTER_TOKENS"} {
		if value := ts.Getenv(name); value != "" {
			p.cmd.Env = append(p.cmd.Env, name+"="+value)
		}
	}
	in, err := p.cmd.StdinPipe()
	ts.Check(err)
	p.in, p.close = in, in.Close
	r, w, err := os.Pipe()
	ts.Check(err)
	p.cmd.Stdout, p.cmd.Stderr = w, w
	ts.Check(p.cmd.Start())
	w.Close()
	ts.Value(processes{}).(map[string]*process)[args[0]] = p
	ts.Defer(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	go func() {
		defer close(p.lines)
		s := bufio.NewScanner(r)
		// The output is read by characters, because a reply that hangs has no end of line.
		s.Split(bufio.ScanRunes)
		for s.Scan() {
			p.lines <- s.Text()
		}
	}()
	p.wait(ts, args[1])
	for line := range strings.SplitSeq(p.out.String(), "\n") {
		if url, ok := strings.CutPrefix(line, "listening on "); ok {
			ts.Setenv("BOTYARD_URL", url)
		}
	}
}

// wait reads the output of the process until it contains text. If text is "listening on", wait
// goes on to the end of the line.
func (p *process) wait(ts *testscript.TestScript, text string) {
	timeout := time.After(20 * time.Second)
	for !strings.Contains(p.out.String(), text) || text == "listening on" && !strings.HasSuffix(p.out.String(), "\n") {
		select {
		case r, ok := <-p.lines:
			if !ok {
				ts.Fatalf("it ended before it printed %q:\n%s", text, p.out)
			}
			p.out.WriteString(r)
		case <-timeout:
			ts.Fatalf("it did not print %q:\n%s", text, p.out)
		}
	}
}

func of(ts *testscript.TestScript, name string) *process {
	p := ts.Value(processes{}).(map[string]*process)[name]
	if p == nil {
		ts.Fatalf("%s was not started", name)
	}
	return p
}

// cmdSignal sends a signal to a process that cmdStart has started. Usage: signal NAME
// TERM|INT|KILL
func cmdSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}
	ts.Check(of(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// cmdType writes a line to the input of a process, and waits until the process has printed a
// text. Usage: type NAME LINE TEXT
func cmdType(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts, args[0])
	_, err := p.in.Write([]byte(args[1] + "\n"))
	ts.Check(err)
	p.wait(ts, args[2])
}

// cmdEnd closes the input of a process, waits for the end of the process, and checks its exit
// status. It writes the output of the process to the file NAME.out. Usage: end NAME STATUS
func cmdEnd(ts *testscript.TestScript, _ bool, args []string) {
	p := of(ts, args[0])
	_ = p.close()
	timeout := time.AfterFunc(20*time.Second, func() { _ = p.cmd.Process.Kill() })
	for r := range p.lines {
		p.out.WriteString(r)
	}
	_ = p.cmd.Wait()
	timeout.Stop()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".out"), []byte(p.out.String()), 0o600))
	if got := fmt.Sprint(p.cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("exit status %s, want %s:\n%s", got, args[1], p.out)
	}
}

// cmdOllama starts an Ollama server that has a list of models, and sets OLLAMA_HOST to its
// address. Usage: ollama MODEL...
func cmdOllama(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/tags" {
			http.NotFound(w, r)
			return
		}
		var models []string
		for _, name := range args {
			models = append(models, fmt.Sprintf(`{"name":%q,"details":{"family":"gemma3"}}`, name))
		}
		fmt.Fprintf(w, `{"models":[%s]}`, strings.Join(models, ","))
	}))
	ts.Defer(server.Close)
	ts.Setenv("OLLAMA_HOST", strings.TrimPrefix(server.URL, "http://"))
}

// cmdNothingLeft waits until all processes of this script's plugins have ended. Usage:
// nothing-left
func cmdNothingLeft(ts *testscript.TestScript, _ bool, _ []string) {
	var left []string
	for end := time.Now().Add(6 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		left = nil
		links, _ := filepath.Glob("/proc/[0-9]*/exe")
		for _, link := range links {
			if exe, err := os.Readlink(link); err == nil && strings.HasPrefix(exe, ts.Getenv("PLUGINS")) {
				left = append(left, exe)
			}
		}
		if left == nil {
			return
		}
	}
	ts.Fatalf("left: %q", left)
}

// cmdGet sends a GET request to the host and checks the status of the response. Usage: get
// STATUS PATH
func cmdGet(ts *testscript.TestScript, _ bool, args []string) {
	resp, err := http.Get(ts.Getenv("BOTYARD_URL") + args[1])
	ts.Check(err)
	resp.Body.Close()
	if got := fmt.Sprint(resp.StatusCode); got != args[0] {
		ts.Fatalf("status %s, want %s", got, args[0])
	}
}

// cmdStopping waits until /readyz of the host returns 503. Usage: stopping
func cmdStopping(ts *testscript.TestScript, _ bool, _ []string) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(ts.Getenv("BOTYARD_URL") + "/readyz")
		ts.Check(err)
		resp.Body.Close()
		if resp.StatusCode == http.StatusServiceUnavailable {
			return
		}
	}
	ts.Fatalf("the host is ready")
}

// cmdAddress sets the variable ADDRESS to the address on which the host listens. Usage: address
func cmdAddress(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("ADDRESS", strings.TrimPrefix(ts.Getenv("BOTYARD_URL"), "http://"))
}
