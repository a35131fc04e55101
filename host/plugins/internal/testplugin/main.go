// Command testplugin is a plugin that misbehaves in chosen ways. Its file name says which
// kind and name it claims to have. A mark, which a test appends to its copy of the file,
// says how the process misbehaves. The first word of the user's message says what a call
// does. The file leak.go writes the secrets of the configuration to all outputs, leave.go
// starts processes that outlive the plugin, and bad.go has the modes of TestBadPlugins. As a
// storage the plugin is that of foreign.go.
package main

import (
	"context"
	"errors"
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
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/hashicorp/go-hclog"
)

// Config is the plugin's configuration, whose values the tests choose.
type Config struct {
	Secret string `json:"secret,omitempty" botyard:"secret"`
	Proxy  string `json:"proxy,omitempty"`
	Crash  bool   `json:"crash,omitempty"`
	Fail   bool   `json:"fail,omitempty"`
}

// Validate implements sdk.Validator. The proxy says how it behaves.
func (c *Config) Validate(sdk.Env) error {
	switch c.Proxy {
	case "wrong":
		return errors.Join(fault.New(fault.Invalid, "does not go with the key %s", c.Secret).At("proxy"), fault.New(fault.Invalid, "not now").At("crash"))
	case "many":
		var errs []error
		for range 2 * sdk.MaxConfigProblems {
			errs = append(errs, fault.New(fault.Invalid, "wrong").At("proxy"))
		}
		return errors.Join(errs...)
	case "exits":
		os.Exit(3)
	}
	return nil
}

// mark is the text after "\nmark:" at the end of the binary, or empty.
var mark = readMark()

// child is the process that a plugin with the mark children or daemons starts.
var child *exec.Cmd

var opened, closed, known atomic.Int64

// realStderr is the original os.Stderr. go-plugin replaces os.Stderr when the plugin
// serves.
var realStderr = os.Stderr

func main() {
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "botyard-storage-"); ok {
		sdk.Serve(foreignPlugin(name))
		return
	}
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "botyard-llm-")
	startBadly()
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
	case "until": // fails until the file exists
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
	case "ghost": // prints a handshake and exits
		fmt.Println("1|1|unix|" + filepath.Join(os.TempDir(), "none.sock") + "|grpc|")
		os.Exit(1)
	case "noise":
		makeNoise()
	case "children", "daemons":
		// The child keeps the plugin's pipes open.
		child = exec.Command("/bin/sleep", "300")
		child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: mark == "daemons"}
		if err := child.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "tempfile": // writes a temporary file when it starts
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
	if mark == "two" {
		opts = append(opts, sdk.MaxConcurrentCalls(2))
	}
	if mark == "egress" {
		opts = append(opts, sdk.Feature(feature.Egress))
	}
	p := llm.NewPlugin(name, "0-"+mark, open, opts...)
	switch mark {
	case "wrongkind":
		p.Info.Kind = "memory"
	case "future":
		p.Info.Services = []string{"botyard.llm.v9.LLMService"}
	case "manyfeatures":
		for i := range sdk.MaxListedNames + 1 {
			p.Info.Features = append(p.Info.Features, fmt.Sprint("feature ", i))
		}
	case "longfeature":
		p.Info.Features = append(p.Info.Features, strings.Repeat("f", sdk.MaxIDBytes+1))
	case "wrongname":
		p.Info.Name = "good"
	case "raw":
		p.Backend = rawBackend{p.Backend}
	case "badschema":
		p.Info.ConfigSchema = []byte(`{"type": 7}`)
	}
	sdk.Serve(p)
}

// atWork is how many calls the process works on, and peak the greatest number so far.
var atWork, peak atomic.Int64

// countCall counts a call that begins. The returned function counts its end.
func countCall() (end func()) {
	n := atWork.Add(1)
	for was := peak.Load(); n > was && !peak.CompareAndSwap(was, n); was = peak.Load() {
	}
	return func() { atWork.Add(-1) }
}

func open(_ context.Context, cfg Config, env sdk.Env) (llm.LLM, error) {
	defer countCall()()
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
	case "stopself": // hangs shortly after it is configured
		time.AfterFunc(time.Millisecond, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
	case "crashlater": // crashes one second after it is configured
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
	defer countCall()()
	closed.Add(1)
	switch mark {
	case "stubborn": // ignores that the host wants it to end
		select {}
	case "slowclose":
		time.Sleep(2500 * time.Millisecond)
		fmt.Fprintln(realStderr, "closed in order")
	}
	return nil
}

// Capacity implements sdk.Limited.
func (m *model) Capacity() sdk.Capacity {
	if mark == "single" {
		return sdk.Capacity{Parallel: 1}
	}
	return sdk.Capacity{}
}

// Check implements sdk.Checker. The proxy says how it behaves.
func (m *model) Check(ctx context.Context) error {
	defer countCall()()
	switch m.cfg.Proxy {
	case "unwell":
		return fault.New(fault.Unauthenticated, "the key %s is not accepted", m.cfg.Secret).At("secret")
	case "plain":
		return errors.New("something is wrong")
	case "down":
		return fault.New(fault.ProviderFailed, "nothing listens")
	case "unknowing":
		return fault.New(fault.Unsupported, "there is no way to know")
	case "hangs":
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}

func (m *model) Chat(ctx context.Context, req *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
	defer countCall()()
	text := req.Messages[len(req.Messages)-1].Text()
	say := func(text string) (*llm.Finish, error) {
		if err := emit(llm.Text(text)); err != nil {
			return nil, err
		}
		return &llm.Finish{Reason: llm.FinishStop}, nil
	}
	if mark == "crashcall" {
		os.Exit(6)
	}
	word, rest, _ := strings.Cut(text, " ")
	if reply, known, err := chatBadly(word, emit); known || err != nil {
		if err != nil {
			return nil, err
		}
		return say(reply)
	}
	switch word {
	case "env":
		return say(strings.Join(os.Environ(), "\n"))
	case "pid":
		return say(fmt.Sprint(os.Getpid()))
	case "child":
		return say(fmt.Sprint(child.Process.Pid))
	case "leave": // leave WAY PATH: starts a process that writes its id to the file PATH
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
	case "peak": // says how many calls at most the process has worked on at once
		return say(fmt.Sprint(peak.Load()))
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
	case "drip": // sends a delta at once, and ends after the given duration
		d, _ := time.ParseDuration(rest)
		if err := emit(llm.Text("drip ")); err != nil {
			return nil, err
		}
		time.Sleep(d)
		return say("drop")
	case "hold": // sends a delta at once, and ends when the given file exists
		if err := emit(llm.Text("held ")); err != nil {
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
	case "unfinished": // prints a line without a line end
		fmt.Print("a line without an end")
	case "stop": // stops the process, so that it hangs
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		select {}
	case "panic":
		go panic("a goroutine of the plugin failed")
		select {}
	case "amnesia": // returns fault.UnknownInstance in the first call of the process
		if known.Add(1) == 1 {
			return nil, fault.New(fault.UnknownInstance, "unknown instance")
		}
		return say("known")
	case "late-amnesia":
		if _, err := say("half a rep"); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.UnknownInstance, "unknown instance")
	case "garble": // sends pieces that split characters, and bytes that are not UTF-8
		for _, piece := range []string{"a\xe2", "\x82", "\xac\xffb\x00", "\xf0\x9f"} {
			if err := emit(llm.Text(piece)); err != nil {
				return nil, err
			}
		}
		return &llm.Finish{Reason: llm.FinishStop, Model: "m\xff"}, nil
	case "nofinish":
		return nil, emit(llm.Text("and then"))
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
	fmt.Fprintln(os.Stderr, strings.Repeat("long", 1<<18)) // a line of 1 MiB
	fmt.Fprintln(os.Stderr, "bell \a and escape \x1b[31m and \xff")
	for i := range 100_000 {
		fmt.Fprintln(os.Stderr, "noise", i)
	}
}

func readMark() string {
	f, err := os.Open("/proc/self/exe") // this process's file, even if another file has its path now
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
