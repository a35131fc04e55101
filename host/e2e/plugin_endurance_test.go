package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// enduranceConfig has long replies, so that most kills and replacements meet turns that run.
const enduranceConfig = `
defaults {
  llm {
    provider       = "echo"
    token_delay_ms = 5
  }
  memory { type = "buffer" }
  conversation_storage { backend = "sqlite" }
}
`

// endurance is a host whose plugins are killed and replaced while clients send turns.
type endurance struct {
	t       *testing.T
	host    *hostProcess
	plugins string // the host's own plugin folder
	clients []*enduranceClient
	running sync.WaitGroup // the goroutines of the clients
	stopped atomic.Bool
	kills   []enduranceKill // used only by the goroutine of the test
}

// enduranceKill is a kill of a plugin's process. Calls that ran between begun and over may have been in
// flight on the process.
type enduranceKill struct {
	plugin      string
	begun, over time.Time
}

// enduranceClient is a client with a conversation of its own. mu guards acked and failed.
type enduranceClient struct {
	tenant, conversation string
	uses                 []string // the plugins that a turn calls
	streams              bool     // whether it has its replies streamed
	mu                   sync.Mutex
	acked                []acked
	failed               []enduranceFailure
}

// enduranceFailure is a turn that was not acknowledged.
type enduranceFailure struct {
	begun, seen time.Time
	why         string
}

// TestPluginEndurance kills a random plugin, or replaces a random plugin's file, again and again under load.
// Each acknowledged turn must be stored as it was acknowledged. A kill may fail only turns that ran at its
// time and that use the plugin, and with an error that can be retried. A replacement may fail none. Memory
// buffers need no calls, so that their kills fail none either. After each kill and replacement all clients
// must have turns again. The environment variable BOTYARD_LONG_TESTS makes it a hundred rounds.
func TestPluginEndurance(t *testing.T) {
	rounds := 6
	if os.Getenv(longTests) != "" {
		rounds = 100
	}
	e := startEndurance(t)
	e.awaitTurns()
	// A plugin that is killed often within two minutes is in quarantine. A replacement ends the count.
	killed := map[string]int{}
	victims := []string{"llm-echo", "llm-ollama", "memory-buffer", "storage-sqlite"}
	kills, replacements := 0, 0
	for n := range rounds {
		victim := victims[rand.N(len(victims))]
		if kill := n%2 == 0; kill && killed[victim] < 3 {
			e.kill(victim)
			killed[victim]++
			kills++
		} else {
			e.replace(victim, n)
			killed[victim] = 0
			replacements++
		}
		e.awaitTurns()
	}
	e.stop()
	turns, failed := e.judge()
	t.Logf("%d turns were acknowledged and %d failed during %d kills and %d replacements", turns, failed, kills, replacements)
}

// startEndurance starts the host and the clients.
func startEndurance(t *testing.T) *endurance {
	host := prepareHost(t, enduranceConfig, nil)
	e := &endurance{t: t, host: host, plugins: filepath.Join(host.dir, "plugins")}
	if err := os.CopyFS(e.plugins, os.DirFS(filepath.Join(binaries, "plugins"))); err != nil {
		t.Fatal(err)
	}
	if err := filepath.WalkDir(e.plugins, func(path string, _ os.DirEntry, err error) error { return errors.Join(err, os.Chmod(path, 0o700)) }); err != nil {
		t.Fatal(err)
	}
	host.write("botyard.hcl", "plugin_dirs = [\"plugins\"]\ntenant_dirs = [\"tenants\"]\n"+enduranceConfig)
	model := serveOllama(t)
	host.runUntilTheEnd()
	for i := range 3 {
		host.put(fmt.Sprint("echo", i), `{}`)
		host.put(fmt.Sprint("ollama", i), fmt.Sprintf(`{"llm":{"provider":"ollama","model":"m","base_url":%q}}`, model.url))
	}
	for i := range 12 {
		llm := "echo"
		if i%4 == 3 {
			llm = "ollama"
		}
		e.clients = append(e.clients, &enduranceClient{
			tenant: fmt.Sprint(llm, i%3), conversation: fmt.Sprint("c", i), uses: []string{"llm-" + llm, "storage-sqlite"}, streams: i%2 == 1,
		})
	}
	for _, c := range e.clients {
		e.running.Go(func() { e.run(c) })
	}
	t.Cleanup(e.stop) // also if the test fails before it calls stop
	return e
}

// stop stops the clients. It waits for the responses to running requests.
func (e *endurance) stop() {
	e.stopped.Store(true)
	e.running.Wait()
}

// run sends one turn after the other.
func (e *endurance) run(c *enduranceClient) {
	for n := 1; !e.stopped.Load(); n++ {
		a := acked{text: fmt.Sprintf("message %d of %s to %s", n, c.conversation, c.tenant), begun: time.Now()}
		why := e.ask(c, &a)
		a.seen = time.Now()
		c.mu.Lock()
		if why == "" {
			c.acked = append(c.acked, a)
		} else {
			c.failed = append(c.failed, enduranceFailure{a.begun, a.seen, why})
		}
		c.mu.Unlock()
		if why != "" {
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// ask sends the turn a and sets its number and reply. It returns why the turn was not acknowledged, or "".
func (e *endurance) ask(c *enduranceClient, a *acked) (why string) {
	var end answer
	if c.streams {
		done := false
		body := fmt.Sprintf(`{"conversation_id":%q,"message":%q,"stream":true}`, c.conversation, a.text)
		err := e.host.stream(c.tenant, body, func(v event) bool {
			if done = v.name == "done"; done || v.name == "error" {
				_ = json.Unmarshal([]byte(v.data), &end) // end stays empty on an error, and the turn then counts as lost
				end.Body = []byte(v.data)
			}
			return true
		})
		var refused *refusedError
		if errors.As(err, &refused) {
			end = refused.answer
		} else if err != nil {
			return "the stream broke: " + err.Error()
		}
		if done {
			end.Status = 200
		}
	} else {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var err error
		if end, err = e.host.try(ctx, "POST", "/api/v1/chat", chatBody(c.conversation, a.text), "X-Tenant-ID: "+c.tenant); err != nil {
			return "no answer: " + err.Error()
		}
	}
	a.number, a.reply = end.Turn, end.Reply
	switch {
	case end.Status == 200:
		return ""
	case !end.Retryable:
		return fmt.Sprintf("an error that cannot be retried: %d %s", end.Status, end.Body)
	}
	return fmt.Sprintf("%s: %s", end.Class, end.Detail)
}

// awaitTurns waits until each client has an acknowledged turn that began after now.
func (e *endurance) awaitTurns() {
	e.t.Helper()
	since := time.Now()
	e.host.eventually(time.Minute, "each client has turns again", func() bool {
		return !slices.ContainsFunc(e.clients, func(c *enduranceClient) bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return len(c.acked) == 0 || c.acked[len(c.acked)-1].begun.Before(since)
		})
	})
}

// pid returns the process of the plugin that takes calls, or 0.
func (e *endurance) pid(plugin string) int {
	e.t.Helper()
	var list struct{ Plugins []pluginStatus }
	a := e.host.do("GET", "/admin/v1/plugins", "")
	if err := json.Unmarshal(a.Body, &list); err != nil {
		e.t.Fatalf("%v: %s", err, a.Body)
	}
	for _, p := range list.Plugins {
		if p.Kind+"-"+p.Name == plugin && p.State == "ready" {
			return p.PID
		}
	}
	return 0
}

// kill kills the plugin's process, and waits until another one takes calls.
func (e *endurance) kill(plugin string) {
	e.t.Helper()
	var pid int
	e.host.eventually(time.Minute, "the "+plugin+" runs", func() bool { pid = e.pid(plugin); return pid != 0 })
	k := enduranceKill{plugin: plugin, begun: time.Now()}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		e.t.Fatal(err)
	}
	e.host.eventually(time.Minute, "the killed process is gone", func() bool { return !alive(pid) })
	k.over = time.Now()
	e.kills = append(e.kills, k)
	e.host.eventually(time.Minute, "another process of the "+plugin+" runs", func() bool { now := e.pid(plugin); return now != 0 && now != pid })
}

// replace replaces the plugin's file by another one that does the same, and waits until its process takes
// calls. n makes the file different from all others.
func (e *endurance) replace(plugin string, n int) {
	e.t.Helper()
	var pid int
	e.host.eventually(time.Minute, "the "+plugin+" runs", func() bool { pid = e.pid(plugin); return pid != 0 })
	content, err := os.ReadFile(filepath.Join(binaries, "plugins", "botyard-"+plugin))
	if err != nil {
		e.t.Fatal(err)
	}
	path := filepath.Join(e.plugins, "botyard-"+plugin)
	if err := os.WriteFile(path+".new", fmt.Appendf(content, "\n%d", n), 0o700); err != nil {
		e.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		e.t.Fatal(err)
	}
	e.host.eventually(time.Minute, "the new "+plugin+" runs", func() bool { now := e.pid(plugin); return now != 0 && now != pid })
}

// judge checks the turns of all clients, and returns how many were acknowledged and how many failed.
func (e *endurance) judge() (turns, failed int) {
	e.t.Helper()
	for _, c := range e.clients {
		turns, failed = turns+len(c.acked), failed+len(c.failed)
		stored := map[int64]keptTurn{}
		for _, k := range e.host.allTurns(c.tenant, c.conversation) {
			if k.Turn != nil {
				stored[*k.Turn] = k
			}
		}
		for _, a := range c.acked {
			k := stored[a.number]
			delete(stored, a.number) // no other turn may have been acknowledged with the number
			if len(k.Messages) != 2 || k.Messages[0].Content != a.text || k.Messages[1].Content != a.reply {
				e.t.Errorf("%s: number %d was acknowledged as %q, %q, and is %+v", c.conversation, a.number, a.text, a.reply, k.Messages)
			}
		}
		for _, f := range c.failed {
			if strings.HasPrefix(f.why, "an error that cannot") || !slices.ContainsFunc(e.kills, func(k enduranceKill) bool {
				return slices.Contains(c.uses, k.plugin) && f.begun.Before(k.over) && f.seen.After(k.begun)
			}) {
				e.t.Errorf("%s: a turn failed from %s to %s, when no plugin was killed that it uses: %s", c.tenant,
					f.begun.Format(time.StampMilli), f.seen.Format(time.StampMilli), f.why)
			}
		}
	}
	return turns, failed
}
