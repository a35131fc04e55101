// Command testplugin is a plugin that misbehaves on demand. Its file name says
// which kind and name it claims; the mark at the end of the file, which a test
// appends to its copy, says how it misbehaves as a whole, and the user's message
// says what a call does. leak.go writes the configuration's secrets to all outputs.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/egress"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/hashicorp/go-hclog"
)

// Config is the plugin's configuration. The tests choose its values.
type Config struct {
	Secret string `json:"secret,omitempty" botyard:"secret"`
	Proxy  string `json:"proxy,omitempty"`
	Crash  bool   `json:"crash,omitempty"`
	Fail   bool   `json:"fail,omitempty"`
}

// mark is the text after "\nmark:" at the end of the binary. A test appends it to choose how
// the plugin behaves.
var mark = readMark()

// child is the process that a plugin with the mark children or daemons starts.
var child *exec.Cmd

var opened, closed, known atomic.Int64

// realStderr is not redirected when the plugin serves.
var realStderr = os.Stderr

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "botyard-llm-")
	switch mark {
	case "exit":
		fmt.Fprintln(os.Stderr, "starting")
		fmt.Fprintln(os.Stderr, "the licence ran out")
		os.Exit(3)
	case "tells":
		fmt.Fprintln(os.Stderr, "no use for", os.Getenv("SOME_API_KEY"), os.Getenv("SOME_PROXY"))
		os.Exit(3)
	case "mute":
		select {}
	case "until": // ill until there is a file
		if _, err := os.Stat(os.Getenv("BOTYARD_TEST_UNTIL")); err != nil {
			fmt.Fprintln(os.Stderr, "not well yet")
			os.Exit(1)
		}
	case "muteuntil":
		if _, err := os.Stat(os.Getenv("BOTYARD_TEST_UNTIL")); err != nil {
			select {}
		}
	case "babble":
		fmt.Println("Hello! This is no handshake.")
		select {}
	case "elsewhere":
		fmt.Println("1|1|unix|/tmp/somebody-elses.sock|grpc|")
		select {}
	case "ghost": // says that it is ready, and is gone
		fmt.Println("1|1|unix|" + filepath.Join(os.TempDir(), "none.sock") + "|grpc|")
		os.Exit(1)
	case "noise":
		makeNoise()
	case "children", "daemons":
		// It keeps the plugin's pipes open.
		child = exec.Command("/bin/sleep", "300")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: mark == "daemons"}
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "tempfile": // writes one as it starts
		f, err := os.CreateTemp("", "")
		if err == nil {
			_, err = f.Write(make([]byte, 8192))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "slow":
		time.Sleep(500 * time.Millisecond)
	}
	var opts []sdk.Option
	if mark == "exclusive" {
		opts = append(opts, sdk.Exclusive())
	}
	if mark == "egress" {
		opts = append(opts, sdk.Capability(sdk.CapEgress))
	}
	p := llm.NewPlugin(name, "0-"+mark, open, opts...)
	switch mark {
	case "wrongkind":
		p.Info.Kind = "memory"
	case "future":
		p.Info.Services = []string{"botyard.llm.v9.LLMService"}
	case "badschema":
		p.Info.ConfigSchema = []byte(`{"type": 7}`)
	}
	sdk.Serve(p)
}

func open(_ context.Context, cfg Config, env sdk.Env) (llm.LLM, error) {
	opened.Add(1)
	if cfg.Crash {
		os.Exit(9)
	}
	secrets.Lock()
	secrets.all = append(secrets.all, cfg.Secret)
	secrets.Unlock()
	if cfg.Fail && cfg.Proxy != "" {
		return nil, fault.New(fault.Invalid, "cannot use %s with the key %s", cfg.Proxy, cfg.Secret).At("proxy")
	}
	if cfg.Fail || mark == "picky" {
		return nil, fault.New(fault.Invalid, "is not to my taste").At("secret").By(fault.PartyTenant)
	}
	if mark == "fussy" && cfg.Secret == "old" {
		return nil, fault.New(fault.Invalid, "is out of fashion").At("secret").By(fault.PartyTenant)
	}
	switch mark {
	case "hangopen":
		select {}
	case "stopself": // hangs once it is configured
		time.AfterFunc(time.Millisecond, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
	case "crashlater": // is well at first
		time.AfterFunc(time.Second, func() { os.Exit(5) })
	}
	env.Log.Info("opened", "count", opened.Load())
	return &model{cfg: cfg, log: env.Log, dialer: env.Dialer}, nil
}

type model struct {
	cfg    Config
	log    hclog.Logger
	dialer *egress.Dialer
}

func (m *model) Close() error {
	closed.Add(1)
	switch mark {
	case "stubborn":
		select {}
	case "slowclose":
		time.Sleep(2500 * time.Millisecond)
		fmt.Fprintln(realStderr, "closed in order")
	}
	return nil
}

func (m *model) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	text := req.Messages[len(req.Messages)-1].Text()
	say := func(text string) (*llm.Finish, error) {
		if err := emit(llm.Delta{Text: text}); err != nil {
			return nil, err
		}
		return &llm.Finish{Reason: llm.FinishStop}, nil
	}
	if mark == "crashcall" {
		os.Exit(6)
	}
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "env":
		return say(strings.Join(os.Environ(), "\n"))
	case "pid":
		return say(fmt.Sprint(os.Getpid()))
	case "child":
		return say(fmt.Sprint(child.Process.Pid))
	case "leave": // a process, which writes its id: leave WAY PATH
		way, path, _ := strings.Cut(rest, " ")
		if err := leave(way, path); err != nil {
			return nil, err
		}
		return say("left")
	case "tempfile":
		f, err := os.CreateTemp("", "")
		if err != nil {
			return nil, err
		}
		return say(f.Name())
	case "egress":
		return say(m.dialer.Policy().String())
	case "secret":
		return say(m.cfg.Secret)
	case "opened":
		return say(fmt.Sprint(opened.Load()))
	case "closed":
		return say(fmt.Sprint(closed.Load()))
	case "sleep":
		d, _ := time.ParseDuration(rest)
		select {
		case <-time.After(d):
			return say("slept")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	case "drip": // a delta at once, the end later
		d, _ := time.ParseDuration(rest)
		if err := emit(llm.Delta{Text: "drip "}); err != nil {
			return nil, err
		}
		time.Sleep(d)
		return say("drop")
	case "hold": // a delta at once, the end when there is a file of that name
		if err := emit(llm.Delta{Text: "held "}); err != nil {
			return nil, err
		}
		for {
			if _, err := os.Stat(rest); err == nil {
				return say("free")
			}
			time.Sleep(5 * time.Millisecond)
		}
	case "crash":
		fmt.Fprintln(os.Stderr, "told to crash")
		os.Exit(7)
	case "unfinished": // a line
		fmt.Print("a line without an end")
	case "stop": // hangs
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	case "panic":
		go panic("a goroutine of the plugin failed")
		select {}
	case "amnesia": // the first call of the process does not know the instance
		if known.Add(1) == 1 {
			return nil, fault.New(fault.UnknownInstance, "unknown instance")
		}
		return say("known")
	case "late-amnesia":
		if _, err := say("half a rep"); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.UnknownInstance, "unknown instance")
	case "garble": // text that is cut within characters, and that is none
		for _, piece := range []string{"a\xe2", "\x82", "\xac\xffb\x00", "\xf0\x9f"} {
			if err := emit(llm.Delta{Text: piece}); err != nil {
				return nil, err
			}
		}
		return &llm.Finish{Reason: llm.FinishStop, Model: "m\xff"}, nil
	case "nofinish":
		return nil, emit(llm.Delta{Text: "and then"})
	case "leak":
		if err := leak(rest, m.log); err != nil {
			return nil, err
		}
		return say("said")
	case "fault":
		class, _ := fault.ParseClass(rest)
		return nil, fault.New(class, "as it was told")
	}
	return say("echo: " + text)
}

func makeNoise() {
	fmt.Fprintln(os.Stderr, `{"@message":1}`)
	fmt.Fprintln(os.Stderr, `{"@level":"warn","@message":"a proper entry","answer":42,"nested":{"a":[1]}}`)
	fmt.Fprintln(os.Stderr, `{"@level":{},"@message":[],"@timestamp":"never"}`)
	fmt.Fprintln(os.Stderr, strings.Repeat("long", 1<<18)) // 1 MiB in one line
	fmt.Fprintln(os.Stderr, "bell \a and escape \x1b[31m and \xff")
	for i := range 100_000 {
		fmt.Fprintln(os.Stderr, "noise", i)
	}
}

func readMark() string {
	f, err := os.Open("/proc/self/exe") // and not what has its path by now
	if self, wrong := os.Executable(); err != nil && wrong == nil {
		f, err = os.Open(self)
	}
	if err != nil {
		return ""
	}
	defer f.Close()
	tail := make([]byte, 64)
	info, err := f.Stat()
	if err != nil {
		return ""
	}
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil {
		return ""
	}
	_, after, found := strings.Cut(string(tail), "\nmark:")
	if !found {
		return ""
	}
	word, _, _ := strings.Cut(after, "\n")
	return word
}

// leave starts a process that goes its own way.
func leave(way, path string) error {
	script := "echo $$ > " + path + ".part; mv " + path + ".part " + path + "; exec sleep 300 </dev/null >/dev/null 2>&1"
	if way == "forks" {
		script = "echo $$ > " + path + "; : forks-for-ever; while :; do (sleep 0.01; : forks-for-ever) & sleep 0.005; done"
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	switch way {
	case "child":
	case "session", "forks":
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	case "daemon": // its parent ends
		cmd = exec.Command("/bin/sh", "-c", "PATH=/usr/bin:/bin setsid /bin/sh -c '"+script+"' </dev/null >/dev/null 2>&1 &")
		cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	case "bare": // and it has nothing of the plugin's
		cmd = exec.Command("/bin/sh", "-c", "PATH=/usr/bin:/bin setsid env -i PATH=/usr/bin:/bin /bin/sh -c '"+script+"' </dev/null >/dev/null 2>&1")
		cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	}
	if way == "hidden" { // in the host's process group, as one of its own
		cmd = exec.Command("/bin/sh", "-c", "PATH=/usr/bin:/bin env -i PATH=/usr/bin:/bin /bin/sh -c '"+script+"' </dev/null >/dev/null 2>&1 &")
		group, err := syscall.Getpgid(os.Getppid())
		if err != nil {
			return err
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
