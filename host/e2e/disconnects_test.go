package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// usage is the number of open files, the number of threads and the memory of a process.
type usage struct{ fds, threads, rssKB int }

func usageOf(t *testing.T, pid int) usage {
	t.Helper()
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	u := usage{fds: len(fds)}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch name {
		case "Threads":
			u.threads = n
		case "VmRSS":
			u.rssKB = n
		}
	}
	return u
}

// processes returns the process ids of the host, named "host", and of its plugins.
func (host *hostProcess) processes() map[string]int {
	out := map[string]int{"host": host.cmd.Process.Pid}
	for name, p := range host.plugins() {
		if p.PID != 0 {
			out[name] = p.PID
		}
	}
	return out
}

// TestDisconnects_aThousandClients checks that the turns of 1,000 clients that disconnect during their
// streams become interrupted turns with usage. It checks that no calls remain at the plugins. A second
// wave of 1,000 clients then needs the tenant's whole limit of concurrent turns, and must not use more
// descriptors, threads or memory.
func TestDisconnects_aThousandClients(t *testing.T) {
	const clients = 1000
	host := start(t, `
limits {
  concurrent_turns = 1000
}
plugin "llm" "echo" {
  max_calls = 2000
}
defaults {
  llm {
    provider       = "echo"
    tokens         = 10000
    token_delay_ms = 1000
  }
}
`, map[string]string{"a.hcl": "", "b.hcl": "llm {\n  tokens = 1\n}\n"})
	host.mustChat("b", "c", "x")
	before := map[string]usage{}
	vanish := func(wave int) {
		t.Helper()
		crowd := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		var streaming, over sync.WaitGroup
		for c := range clients {
			streaming.Add(1)
			over.Go(func() {
				done := sync.OnceFunc(streaming.Done)
				defer done()
				if err := firstToken(ctx, crowd, host.url, "a", fmt.Sprint("c", c), done); err != nil {
					t.Errorf("wave %d, client %d: %v", wave, c, err)
				}
			})
		}
		streaming.Wait()
		if t.Failed() {
			return
		}
		if p := host.plugins()["llm-echo"]; p.Calls != clients {
			t.Errorf("wave %d: %d calls at the plugin", wave, p.Calls)
		}
		leave()
		over.Wait()
		crowd.CloseIdleConnections()
		host.eventually(10*time.Second, "no call is left at any plugin", func() bool {
			for _, p := range host.plugins() {
				if p.Calls != 0 || p.Waiting != 0 {
					return false
				}
			}
			return true
		})
		for c := range clients {
			turns := host.turns("a", fmt.Sprint("c", c))
			last := turns[len(turns)-1]
			if len(turns) != wave || last.State != "interrupted" || last.Usage.Output == 0 {
				t.Fatalf("wave %d, conversation %d: %+v", wave, c, turns)
			}
		}
	}
	for wave := 1; wave <= 2; wave++ {
		vanish(wave)
		if t.Failed() {
			return
		}
		for name, pid := range host.processes() {
			u := usageOf(t, pid)
			t.Logf("after wave %d %s has %+v", wave, name, u)
			was, ok := before[name]
			before[name] = u
			if !ok {
				if u.fds > 100 {
					t.Errorf("%s has %d descriptors", name, u.fds)
				}
				continue
			}
			if u.fds > was.fds+5 || u.threads > was.threads+10 {
				t.Errorf("%s went from %+v to %+v", name, was, u)
			}
			if u.rssKB > was.rssKB+was.rssKB/2+64<<10 { // allows for memory that the garbage collector has not returned yet
				t.Errorf("%s grew from %d to %d KB", name, was.rssKB, u.rssKB)
			}
		}
	}
	host.mustChat("b", "c", "x")
}

// firstToken starts a streamed turn, calls then when the first token arrives, and reads on until ctx is
// done.
func firstToken(ctx context.Context, client *http.Client, url, tenant, conversation string, then func()) error {
	body := fmt.Sprintf(`{"conversation_id":%q,"message":"x","stream":true}`, conversation)
	req, err := http.NewRequestWithContext(ctx, "POST", url+"/api/v1/chat", strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Tenant-ID", tenant)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b := make([]byte, 256)
	n, err := resp.Body.Read(b)
	if resp.StatusCode != 200 || err != nil || !strings.HasPrefix(string(b[:n]), "event: delta") {
		return fmt.Errorf("%d %q %v", resp.StatusCode, b[:n], err)
	}
	then()
	_, _ = io.Copy(io.Discard, resp.Body)
	return nil
}

// TestDisconnects_slowReaders checks that the host makes a fast provider wait for callers that read
// nothing, and that its memory does not grow meanwhile. After 30 seconds, the time in docs/api.md, the
// host must close the callers' connections and interrupt their turns.
func TestDisconnects_slowReaders(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 30 seconds")
	}
	const readers = 20
	host := start(t, "limits {\n  token_timeout = 2\n}\n"+echoDefaults, map[string]string{
		"a.hcl": "llm {\n  tokens = 10000000\n}\n", "b.hcl": "",
	})
	host.mustChat("b", "c", "x")
	at := usageOf(t, host.cmd.Process.Pid)
	for c := range readers {
		conn, err := net.Dial("tcp", strings.TrimPrefix(host.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		body := fmt.Sprintf(`{"conversation_id":"c%d","message":"x","stream":true}`, c)
		if _, err := fmt.Fprintf(conn, "POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tenant-ID: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
			t.Fatal(err)
		}
	}
	running := func() (n int) {
		for c := range readers {
			id := fmt.Sprint("c", c)
			if host.do("GET", "/api/v1/conversations/"+id+"/turns", "", "X-Tenant-ID: a").Status == http.StatusNotFound {
				continue // its turn has not begun yet
			}
			for _, turn := range host.turns("a", id) {
				if turn.State == "running" {
					n++
				}
			}
		}
		return n
	}
	host.eventually(20*time.Second, "the turns of readers that stall run", func() bool { return running() == readers })
	host.mustChat("b", "c", "x")
	most := 0
	for deadline := time.Now().Add(2 * time.Minute); host.plugins()["llm-echo"].Calls > 0; time.Sleep(200 * time.Millisecond) {
		most = max(most, usageOf(t, host.cmd.Process.Pid).rssKB)
		if time.Now().After(deadline) {
			t.Fatalf("%d turns still run", running())
		}
	}
	t.Logf("the host has %d KB, and %d at most with readers that stall", at.rssKB, most)
	if grown := most - at.rssKB; grown > readers*6<<10 {
		t.Errorf("the host grew by %d KB for %d readers", grown, readers)
	}
	host.eventually(time.Minute, "their turns have ended", func() bool { return running() == 0 })
	for c := range readers {
		turns := host.turns("a", fmt.Sprint("c", c))
		// The token timeout is much shorter, and would have failed the turn.
		if len(turns) != 1 || turns[0].State != "interrupted" {
			t.Errorf("%+v", turns)
		}
	}
}
