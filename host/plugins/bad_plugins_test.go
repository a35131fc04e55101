package plugins

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/host/plugins/process"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
)

// badPlugin is a row of the table of TestBadPlugins: what a plugin does wrong, and who sees
// what of it.
type badPlugin struct {
	what string // what the plugin does wrong, which is the name of the subtest
	// mark and config are the mark of the plugin's file and its configuration, and text is
	// the message of the call. internal/testplugin has the meanings.
	mark, config, text string
	// store makes a call of the plugin as a storage. Nil is a call of it as an LLM.
	store func(context.Context, *Instance) error

	class fault.Class // the class of the caller's error, if fails is true
	fails bool
	told  string // a part of what the caller gets: of the reply, or of the error

	state State    // the state in the plugin list
	list  []string // parts of the last error in the plugin list; none means that it has no error
	log   []string // parts of the log

	again    bool          // whether the next call on the same plugin works, without anyone's help
	patience time.Duration // the deadline of the caller; 0 is longer than any timeout of the host
	enough   int           // after how many bytes of reply the caller gives up; 0 is never
	replaced bool          // whether a good file replaces the plugin's file after the call
}

// errEnough is the error of a caller that wants no more of a reply.
var errEnough = errors.New("enough of the reply")

// badPlugins is the matrix of all that a plugin may do wrong. The caller never gets the
// plugin's own words about its start, because they may be about another tenant.
var badPlugins = []badPlugin{
	// At the start.
	{what: "crash at start", mark: "exit",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"it ended before it was ready", "exit status 3", "the licence ran out"}, log: []string{"plugin failed again and again and is in quarantine", "the licence ran out"}},
	{what: "hang at start", mark: "mute",
		fails: true, class: fault.PluginUnavailable, told: "it does not start in time",
		state: Quarantined, list: []string{"not ready within 2s"}, log: []string{"not ready within 2s"}},
	{what: "hang at start after the output began", mark: "babble",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"is not go-plugin's handshake", "Hello! This is no handshake."}, log: []string{"Hello! This is no handshake."}},
	{what: "much output before the handshake", mark: "preamble",
		fails: true, class: fault.PluginUnavailable, told: "is not available",
		state: Quarantined, list: []string{"is not go-plugin's handshake", "it wrote: the first line", "line 2000 of the preamble"}, log: []string{"line 2000 of the preamble"}},
	{what: "handshake and exit", mark: "ghost",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"it ended before it was ready", "exit status 1"}, log: []string{"it ended before it was ready"}},
	{what: "fork and exit", mark: "forkexit",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"it ended before it was ready", "exit status 0", "went into the background"}, log: []string{"went into the background"}},
	{what: "socket of somebody else", mark: "elsewhere",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"somebody-elses.sock", "not in the folder"}, log: []string{"somebody-elses.sock"}},
	{what: "wrong version of the handshake", mark: "oldcore",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"9"}, log: []string{"9"}},
	{what: "wrong version of the framing", mark: "oldframing",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"9"}, log: []string{"9"}},
	{what: "wrong cookie", mark: "cookie",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Quarantined, list: []string{"exit status 1", "wants another cookie"}, log: []string{"wants another cookie"}},
	{what: "wrong kind", mark: "wrongkind",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Failed, list: []string{`says that it is the memory plugin "bad"`, "botyard-memory-bad"}, log: []string{"plugin cannot be used", "botyard-memory-bad"}},
	{what: "foreign name", mark: "wrongname",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Failed, list: []string{`says that it is the llm plugin "good"`}, log: []string{"plugin cannot be used", "botyard-llm-good"}},
	{what: "wrong version of the service", mark: "future",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Failed, list: []string{"botyard.llm.v9.LLMService", "botyard.llm.v1.LLMService"}, log: []string{"plugin cannot be used"}},
	{what: "invalid schema", mark: "badschema",
		fails: true, class: fault.PluginUnavailable, told: "it failed again and again",
		state: Failed, list: []string{"configuration schema"}, log: []string{"plugin cannot be used"}},

	// While it is configured.
	{what: "crash at configure", config: `{"crash":true}`,
		fails: true, class: fault.PluginUnavailable, told: "its process ended while it was configured (exit status 9)",
		state: Ready, list: []string{"exit status 9"}, log: []string{"exit status 9"}},
	{what: "hang at configure", mark: "hangopen",
		fails: true, class: fault.Deadline, told: "did not take its configuration within 1s",
		state: Ready, list: []string{"did not take its configuration within 1s"}, log: []string{"did not take its configuration within 1s"}},

	// In a call.
	{what: "crash in a call", text: "crash", again: true,
		fails: true, class: fault.PluginUnavailable, told: "the plugin process ended during the call (exit status 7)",
		state: Ready, list: []string{"exit status 7", "told to crash"}, log: []string{"exit status 7", "told to crash"}},
	{what: "panic in a goroutine", text: "panic", again: true,
		fails: true, class: fault.PluginUnavailable, told: "the plugin process ended during the call (exit status 2)",
		state: Ready, list: []string{"panic: a goroutine of the plugin failed"}, log: []string{"panic: a goroutine of the plugin failed"}},
	{what: "hang in a call", text: "hang", again: true, patience: time.Second,
		fails: true, class: fault.Deadline, told: "did not answer in time",
		state: Ready, list: []string{"did not answer in time"}, log: []string{"did not answer in time"}},
	{what: "stop itself", text: "stop", again: true,
		fails: true, class: fault.PluginUnavailable, told: "killed because it did not answer health probes",
		state: Ready, list: []string{"did not answer health probes"}, log: []string{"did not answer health probes"}},
	{what: "eat memory", text: "hungry", again: true,
		fails: true, class: fault.PluginUnavailable, told: "the plugin process ended during the call (exit status 2)",
		state: Ready, list: []string{"fatal error: "}, log: []string{"fatal error: "}},

	// In a stream.
	{what: "crash in a stream", text: "half-crash", again: true,
		fails: true, class: fault.PluginUnavailable, told: "the plugin process ended during the call (exit status 8)",
		state: Ready, list: []string{"exit status 8", "crashed in the middle"}, log: []string{"crashed in the middle"}},
	{what: "hang in a stream", text: "half-hang", again: true, patience: time.Second,
		fails: true, class: fault.Deadline, told: "did not answer in time",
		state: Ready, list: []string{"did not answer in time"}, log: []string{"did not answer in time"}},
	{what: "stream without an end", mark: "raw", text: "endless", patience: time.Second,
		fails: true, class: fault.Deadline, told: "did not answer in time",
		state: Ready, list: []string{"did not answer in time"}, log: []string{"did not answer in time"}},
	{what: "reply without an end", text: "babble-on", again: true, enough: 100_000,
		fails: true, class: fault.Internal, told: errEnough.Error(), state: Ready},
	{what: "stream that ends too early", text: "nofinish", again: true,
		fails: true, class: fault.Internal, told: "the plugin ended a reply without saying how",
		state: Ready, list: []string{"the plugin ended a reply without saying how"}, log: []string{"the plugin ended a reply without saying how"}},
	{what: "stream without anything", mark: "raw", text: "nothing",
		fails: true, class: fault.ProviderFailed, told: "the reply ended before it was complete",
		state: Ready, list: []string{"the reply ended before it was complete"}, log: []string{"the reply ended before it was complete"}},
	{what: "reply of 100 MiB", mark: "raw", text: "huge",
		fails: true, class: fault.Internal, told: "the answer of the llm plugin bad to Chat is larger",
		state: Ready, list: []string{"is larger"}, log: []string{"is larger"}},

	// Beside its calls.
	{what: "call of another plugin's socket", text: "intrude", again: true,
		told: "2 others: Unauthenticated Unauthenticated", state: Ready},
	{what: "almost a log entry", mark: "oddlog", text: "hello", again: true,
		told: "echo: hello", state: Ready, log: []string{`"@message":"1"`}},
	{what: "flood of lines", text: "flood", again: true,
		told: "flooded", state: Ready, log: []string{"the plugin said more than is logged"}},
	{what: "end of its input ignored", mark: "stubborn", text: "hello", again: true, replaced: true,
		told: "echo: hello", state: Ready, log: []string{"did not end when it was asked to, and was killed"}},
}

// TestBadPlugins runs a host with a plugin that does one thing wrong, for each row of
// badPlugins and badStorages. The caller has an answer before its deadline, the plugin list and the log say
// what is wrong, the calls of two good plugins succeed all the time, and nothing of the bad
// plugin is left: no process, no file, no open descriptor, no goroutine.
//
// beyond: output before the handshake
func TestBadPlugins(t *testing.T) {
	for _, c := range slices.Concat(badPlugins, badStorages) {
		t.Run(c.what, func(t *testing.T) { c.check(t) })
	}
}

func (c badPlugin) check(t *testing.T) {
	checkLeftovers(t)
	h := newHost(t, hostOptions{
		settings: config.PluginSettings{StartTimeout: 2 * time.Second, CallTimeout: time.Second},
		timing: func(tm *timing) {
			tm.quarantineAfter, tm.stopGrace = 2, 500*time.Millisecond
			tm.probeEvery, tm.probeDeadline, tm.probeAgain = time.Second, 5*time.Second, 50*time.Millisecond
		},
	}, "good")
	if c.store != nil {
		put(t, filepath.Join(h.dir, "botyard-storage-bad"), testPlugin)
	} else {
		putPlugin(t, h.dir, "bad", c.mark)
	}
	if err := h.Rescan(); err != nil {
		t.Fatal(err)
	}
	others := h.neighbours()

	const patience = time.Minute // longer than all timeouts of the host together
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reply, err := c.call(ctx, h)
	if ctx.Err() != nil {
		t.Errorf("the caller had no answer within %s", patience)
	}
	c.checkAnswer(t, reply, err)
	if c.replaced {
		putPlugin(t, h.dir, "bad", "")
		if err := h.Rescan(); err != nil {
			t.Error(err)
		}
	}
	if c.again {
		i := h.open(Spec{Name: "bad", Tenant: "t"})
		eventually(t, 30*time.Second, "the next call works", func() bool {
			reply, err := ask(ctx, i, "t", "hello")
			return err == nil && reply == "echo: hello"
		})
	}
	c.checkList(t, h)
	eventually(t, 30*time.Second, "the log says what is wrong", func() bool {
		log := h.log.String()
		for _, part := range c.log {
			if !strings.Contains(log, part) {
				return false
			}
		}
		return true
	})
	others.awaitMore()
}

// call makes the call of the row.
func (c badPlugin) call(ctx context.Context, h *host) (reply string, err error) {
	spec := Spec{Kind: "llm", Name: "bad", Tenant: "t", Config: []byte(`{}`)}
	if c.config != "" {
		spec.Config = []byte(c.config)
	}
	if c.store != nil {
		spec.Kind = "storage"
	}
	i, err := h.Open(ctx, spec)
	if err != nil {
		return "", err
	}
	defer i.Close()
	if c.store != nil {
		return "", c.store(ctx, i)
	}
	if c.patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.patience)
		defer cancel()
	}
	var text strings.Builder
	_, err = i.LLM().Chat(ctx, &llm.Request{
		Call: sdk.Call{Tenant: "t"}, Messages: []chat.Message{chat.Text(chat.User, c.text)},
	}, func(d llm.Delta) error {
		text.WriteString(d.Text)
		if c.enough > 0 && text.Len() > c.enough {
			return errEnough
		}
		return nil
	})
	return text.String(), err
}

func (c badPlugin) checkAnswer(t *testing.T, reply string, err error) {
	t.Helper()
	if !c.fails {
		if err != nil || !strings.Contains(reply, c.told) {
			t.Errorf("the caller got %.200q and the error %v; want %q", reply, err, c.told)
		}
		return
	}
	if !fault.Is(err, c.class) || !strings.Contains(err.Error(), c.told) {
		t.Errorf("the caller got %.200q and the error %v (%v); want %s: %s", reply, err, fault.Of(err).Class, c.class, c.told)
	}
	if err != nil && strings.Contains(err.Error(), "theirs") {
		t.Errorf("the error shows what belongs to others: %v", err)
	}
}

// checkList checks the row of the plugin list. The state is awaited, because the host learns
// of the end of a process after the caller.
func (c badPlugin) checkList(t *testing.T, h *host) {
	t.Helper()
	eventually(t, 30*time.Second, "the plugin list has the state "+string(c.state), func() bool {
		return h.row("bad").State == c.state
	})
	got := h.row("bad").LastError
	if most := bounds.PreambleBytes + 2*process.MaxMessageBytes; len(got) > most {
		t.Errorf("the error in the plugin list has %d bytes, more than %d", len(got), most)
	}
	if len(c.list) == 0 && got != "" {
		t.Errorf("the plugin list has the error %.300q", got)
	}
	for _, part := range c.list {
		if !strings.Contains(got, part) {
			t.Errorf("the plugin list has the error %.300q; want %q in it", got, part)
		}
	}
}
