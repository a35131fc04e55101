package plugins

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk/fault"
)

func TestLauncher_environment(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "sk-of-the-host")
	t.Setenv("ALLOWED", "yes")
	h := newHost(t, hostOptions{settings: config.PluginSettings{Env: []string{"ALLOWED", "ABSENT"}}}, "test")
	env := h.ask(h.open(Spec{Name: "test"}), "env")
	names := map[string]string{}
	for _, line := range strings.Split(env, "\n") {
		name, value, _ := strings.Cut(line, "=")
		names[name] = value
	}
	for name, value := range names {
		switch {
		case name == "ALLOWED" && value == "yes":
		case name == "TMPDIR" && strings.HasPrefix(value, h.runtime.Path()):
		case name == "HOME" && strings.HasPrefix(value, names["TMPDIR"]+"/"):
		case name == "PATH" && strings.HasSuffix(value, "/usr/bin:/sbin:/bin"):
		case name == "BOTYARD_HOST_SOCKET" && strings.HasPrefix(value, names["TMPDIR"]+"/"):
		case name == "BOTYARD_PLUGIN": // the cookie of go-plugin's handshake
		case strings.HasPrefix(name, "PLUGIN_"): // the variables of go-plugin
		default:
			t.Errorf("the plugin has %s=%s", name, value)
		}
	}
	if names["ALLOWED"] == "" || names["TMPDIR"] == "" || names["HOME"] == "" || names["PATH"] == "" {
		t.Errorf("environment:\n%s", env)
	}
}

// TestOutput_bounded checks that the host logs a bounded number of output lines of bounded
// length, parses hclog entries, and replaces characters that are not printable.
//
// beyond: lines of output
// beyond: line of output
func TestOutput_bounded(t *testing.T) {
	h := newHost(t, hostOptions{}, "test=noise")
	i := h.open(Spec{Name: "test"}) // the plugin would block if the host did not read its stderr
	h.ask(i, "hello")
	log := h.log.String()
	if n := strings.Count(log, `"@message":"noise`); n == 0 || n > 2*bounds.OutputBurst {
		t.Errorf("%d lines were logged", n)
	}
	for _, want := range []string{
		`{"@level":"info","@message":"1"`,
		`"@level":"warn","@message":"a proper entry"`, `"answer":"42"`, `"nested":"{\"a\":[1]}"`,
		"bell   and escape  [31m and ?", "the plugin said more than is logged",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("not in the log: %s", want)
		}
	}
	for _, line := range strings.Split(log, "\n") {
		if len(line) > 2*bounds.OutputLineBytes {
			t.Errorf("a line of %d bytes was logged", len(line))
		}
	}
}

func TestOutput_panic(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	if _, err := ask(context.Background(), i, "t", "panic"); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("err = %v", err)
	}
	h.ask(i, "hello")
	if st := h.row("test"); !strings.Contains(st.LastError, "panic: a goroutine of the plugin failed") {
		t.Errorf("status = %+v", st)
	}
}

func TestOutput_lastLineOfAPluginThatServes(t *testing.T) {
	h := newHost(t, hostOptions{}, "test")
	i := h.open(Spec{Name: "test"})
	h.ask(i, "unfinished")
	h.ask(i, "lines") // a second call makes sure that the output of the first call has arrived
	if strings.Contains(h.log.String(), "a line without an end") {
		t.Error("an unfinished line is said while its plugin runs")
	}
	eventually(t, 30*time.Second, "the last line is in the log", func() bool {
		_, _ = ask(context.Background(), i, "t", "panic")
		return strings.Contains(h.log.String(), "a line without an end")
	})
}
