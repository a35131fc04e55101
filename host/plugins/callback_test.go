package plugins

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/services"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/memory"
)

// callbackHost is a manager with the plugin internal/callbackplugin under the given names, and with
// llm-echo.
type callbackHost struct{ *host }

func newCallbackHost(t *testing.T, o hostOptions, names ...string) callbackHost {
	t.Helper()
	h := newHost(t, o)
	echo, err := os.ReadFile(built["botyard-llm-echo"])
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(h.dir, "botyard-llm-echo"), echo)
	for _, name := range names {
		put(t, filepath.Join(h.dir, "botyard-memory-"+name), bytes.Clone(callbackPlugin))
	}
	if err := h.Rescan(); err != nil {
		t.Fatal(err)
	}
	return callbackHost{h}
}

func (h callbackHost) memory(name string, roles ...string) *Instance {
	h.t.Helper()
	spec := Spec{Kind: memory.Kind, Name: name, Tenant: "t", Config: []byte(`{}`)}
	for _, role := range roles {
		spec.Nested = append(spec.Nested, Spec{Kind: llm.Kind, Name: "echo", Tenant: "t", Role: role, Config: []byte(`{}`)})
	}
	i := h.open(spec)
	h.t.Cleanup(i.Close)
	return i
}

// recall makes one call of Recall, and returns the text of the recalled message.
func recall(ctx context.Context, i *Instance, tenant string, words ...string) (string, error) {
	got, err := i.Memory().Recall(ctx, &memory.RecallRequest{
		Call: sdk.Call{Tenant: tenant, Conversation: "c", User: "u"}, Messages: []chat.Message{chat.Text(chat.User, strings.Join(words, " "))},
	})
	if err != nil || len(got.Items) == 0 {
		return "", err
	}
	return got.Items[0].Message.Text(), nil
}

func (h callbackHost) recall(i *Instance, words ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	text, err := recall(ctx, i, "t", words...)
	if err != nil {
		h.t.Fatalf("%v: %v", words, err)
	}
	return text
}

// waiting begins a call that does not end, and returns its token, which is valid until the test
// ends.
func (h callbackHost) waiting(i *Instance) (token string) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	file := filepath.Join(h.t.TempDir(), "token")
	go func() {
		defer close(done)
		_, _ = recall(ctx, i, "t", "wait", file) // canceled below
	}()
	h.t.Cleanup(func() { cancel(); <-done })
	eventually(h.t, 20*time.Second, "a call that waits", func() bool {
		b, err := os.ReadFile(file)
		token = string(b)
		return err == nil
	})
	return token
}

// TestCallback checks that a plugin reaches the nested plugins of its configuration.
func TestCallback(t *testing.T) {
	h := newCallbackHost(t, hostOptions{}, "recall")
	both := h.memory("recall", llm.RoleEmbedding, llm.RoleLLM)
	if got := h.recall(both, "one", "two"); got != "2 vectors of 64" {
		t.Errorf("embedding gives %q", got)
	}
	if got := h.recall(both, "generate", "say", "this"); !strings.Contains(got, "say this") {
		t.Errorf("generating gives %q", got)
	}
	if got := h.recall(both, "roles"); got != "embedding llm" {
		t.Errorf("the roles are %q", got)
	}
	if got := h.recall(both, "own"); got != "embedded" {
		t.Errorf("a connection of its own gives %s", got)
	}
	meter := &services.Meter{}
	if _, err := recall(services.WithMeter(context.Background(), meter), both, "t", "one"); err != nil {
		t.Fatal(err)
	}
	if total := meter.Totals()[llm.RoleEmbedding]; total.Calls != 1 || total.Failed != 0 || total.InputTokens == 0 {
		t.Errorf("the meter has %+v", total)
	}
	// A role that the configuration does not have.
	one := h.memory("recall", llm.RoleLLM)
	if got := h.recall(one, "own"); got != "invalid" {
		t.Errorf("a role that is not configured gives %s", got)
	}
	none := h.memory("recall")
	if token := h.recall(none, "token"); token != "" {
		t.Errorf("an instance without nested plugins got the token %q", token)
	}
}

// TestManager_Totals_callbacks checks that callbacks are counted by host service and by result.
func TestManager_Totals_callbacks(t *testing.T) {
	h := newCallbackHost(t, hostOptions{}, "recall")
	i := h.memory("recall", llm.RoleEmbedding, llm.RoleLLM)
	noEmbedder := h.memory("recall", llm.RoleLLM)
	h.recall(i, "one")
	h.recall(i, "two")
	h.recall(i, "generate", "one")
	h.recall(i, "use", strings.Repeat("0", 32)) // a token of its own making
	h.recall(noEmbedder, "own")
	h.recall(noEmbedder, "roles") // no callback
	for _, total := range h.Totals() {
		want := ""
		if total.Kind == memory.Kind {
			want = "embed: 2, invalid: 1, unauthenticated: 1; generate: 1"
		}
		if got := callbackCounts(total.Callbacks); got != want {
			t.Errorf("the callbacks of %s %s are %q; want %q", total.Kind, total.Name, got, want)
		}
	}
}

// callbackCounts returns the counts as a text: of each service the successes, and then the failures by
// class.
func callbackCounts(counts map[string]map[string]int64) string {
	var services []string
	for _, service := range slices.Sorted(maps.Keys(counts)) {
		var classes []string
		for _, class := range slices.Sorted(maps.Keys(counts[service])) {
			classes = append(classes, fmt.Sprintf("%s: %d", cmp.Or(class, service), counts[service][class]))
		}
		services = append(services, strings.Join(classes, ", "))
	}
	return strings.Join(services, "; ")
}

// beyond: callback
//
// TestCallback_hostile checks what a hostile plugin gets with tokens, sockets and processes that are
// not its own: nothing.
func TestCallback_hostile(t *testing.T) {
	h := newCallbackHost(t, hostOptions{}, "recall", "other")
	mine, others := h.memory("recall", llm.RoleEmbedding), h.memory("other", llm.RoleEmbedding)
	myToken, othersToken := h.waiting(mine), h.waiting(others)
	mySocket, othersSocket := h.recall(mine, "socket"), h.recall(others, "socket")
	ended := h.recall(mine, "token")
	h.recall(mine, "keep")
	for name, c := range map[string]struct {
		words []string
		want  string
	}{
		"its own token":                           {[]string{"use", myToken}, "embedded"},
		"its own child":                           {[]string{"child", mySocket, myToken}, "embedded"},
		"a token of its own making":               {[]string{"use", strings.Repeat("0", 32)}, "unauthenticated"},
		"the token of an ended call":              {[]string{"use", ended}, "unauthenticated"},
		"a token that it kept":                    {[]string{"late"}, "unauthenticated"},
		"the token of another process":            {[]string{"use", othersToken}, "unauthenticated"},
		"another's socket, with another's token":  {[]string{"connect", othersSocket, othersToken}, "plugin_unavailable"},
		"another's socket, with its own token":    {[]string{"connect", othersSocket, myToken}, "plugin_unavailable"},
		"a child on another's socket":             {[]string{"child", othersSocket, othersToken}, "plugin_unavailable"},
		"a request that is larger than the bound": {[]string{"large", strconv.Itoa(sdk.MaxHostRequestBytes + 64<<10)}, "not embedded"},
		"a request that is as large as the bound": {[]string{"large", strconv.Itoa(sdk.MaxHostRequestBytes - 64)}, "embedded"},
	} {
		t.Run(name, func(t *testing.T) {
			h := callbackHost{&host{Manager: h.Manager, dir: h.dir, log: h.log, t: t}}
			if got := h.recall(mine, c.words...); got != c.want && (c.want != "not embedded" || got == "embedded") {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	// This test's process has the user of the plugins, and is no process of theirs.
	conn, err := net.Dial("unix", othersSocket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the host answers a foreign process with %d bytes, %v", n, err)
	}
	if got := h.recall(others, "one"); got != "1 vectors of 64" {
		t.Errorf("afterwards the other plugin gets %q", got)
	}
	if log := h.log.String(); strings.Contains(log, myToken) || strings.Contains(log, othersToken) || !strings.Contains(log, "a process that is not the plugin's connected to its socket") {
		t.Error("the log has a token, or does not say what was refused")
	}
}

// TestCallback_ends checks that the process's end ends its callbacks and removes its socket, and
// that the next process of the plugin has host services again.
func TestCallback_ends(t *testing.T) {
	h := newCallbackHost(t, hostOptions{}, "recall")
	i := h.memory("recall", llm.RoleEmbedding)
	socket := h.recall(i, "socket")
	if _, err := os.Stat(socket); err != nil {
		t.Fatal(err)
	}
	if _, err := recall(context.Background(), i, "t", "exit"); !fault.Is(err, fault.PluginUnavailable) {
		t.Errorf("the end of the process gives %v", err)
	}
	eventually(t, 10*time.Second, "the end of the socket", func() bool { _, err := os.Stat(socket); return os.IsNotExist(err) })
	eventually(t, 20*time.Second, "the next process", func() bool {
		text, err := recall(context.Background(), i, "t2", "one")
		return err == nil && text == "1 vectors of 64"
	})
}

// TestCallback_slowReader checks that a plugin that begins a reply and does not read it harms nobody:
// its own call ends by its deadline, and other calls of the nested plugin go on.
func TestCallback_slowReader(t *testing.T) {
	h := newCallbackHost(t, hostOptions{settings: config.PluginSettings{MaxCalls: 4, CallTimeout: 2 * time.Second}}, "recall", "other")
	slow, other := h.memory("recall", llm.RoleLLM), h.memory("other", llm.RoleEmbedding)
	done := make(chan error, 1)
	go func() {
		_, err := recall(context.Background(), slow, "t", "slow", strings.Repeat("word ", 200_000))
		done <- err
	}()
	for range 5 {
		if got := h.recall(other, "one"); got != "1 vectors of 64" {
			t.Errorf("another plugin gets %q meanwhile", got)
		}
	}
	if err := <-done; !fault.Is(err, fault.Deadline) {
		t.Errorf("the slow reader's call gives %v", err)
	}
	eventually(t, 10*time.Second, "the end of the nested call", func() bool { return h.row("echo").Calls == 0 })
}

// TestCallback_noDeadlock checks that calls and their callbacks do not wait for each other: there is
// one place for calls of each plugin, and many tenants want the memory and the llm at once.
func TestCallback_noDeadlock(t *testing.T) {
	h := newCallbackHost(t, hostOptions{settings: config.PluginSettings{MaxCalls: 1}}, "recall")
	i := h.memory("recall", llm.RoleEmbedding, llm.RoleLLM)
	model := h.open(Spec{Name: "echo"})
	t.Cleanup(model.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for n := range 8 {
		tenant := "t" + strconv.Itoa(n)
		for range 5 {
			all.Go(func() {
				if _, err := recall(ctx, i, tenant, "one"); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				if _, err := recall(ctx, i, tenant, "generate", "one"); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				if _, err := ask(ctx, model, tenant, "hello"); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
}

// TestProcess_hostServices checks which host services a plugin may need, and that a plugin that needs
// none has no socket.
func TestProcess_hostServices(t *testing.T) {
	h := newCallbackHost(t, hostOptions{}, "undeclared", "future")
	for name, want := range map[string]string{
		"undeclared": `its configuration has a nested plugin with the role "embedding", and its GetInfo does not name the host service "embed"`,
		"future":     `it needs the host service "index", which this host does not have`,
	} {
		_, err := h.Schema(context.Background(), memory.Kind, name)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, want %s", name, err, want)
		}
	}
	i := h.open(Spec{Name: "echo"})
	t.Cleanup(i.Close)
	if sockets, err := filepath.Glob(filepath.Join(h.runtime.Path(), "*", "host.sock")); err != nil || len(sockets) > 0 {
		t.Errorf("there are the sockets %v, %v", sockets, err)
	}
}
