package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// largeExport returns an export with the given number of conversations. Each conversation has the given
// number of turns.
func largeExport(conversations, turns int) string {
	var b strings.Builder
	at := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano)
	fmt.Fprintf(&b, `{"type":"export","version":1,"tenant":"x","created_at":%q}`+"\n", at)
	for c := range conversations {
		fmt.Fprintf(&b, `{"type":"conversation","id":"c%03d","user":"u","created_at":%q,"updated_at":%q}`+"\n", c, at, at)
		for n := range turns {
			fmt.Fprintf(&b, `{"type":"turn","sequence":%d,"number":%d,"state":"succeeded","user":"u","started_at":%q,"ended_at":%q,"messages":[{"role":"user","parts":[{"text":"message %d"}]},{"role":"assistant","parts":[{"text":"reply"}]}],"usage":{"input_tokens":1,"output_tokens":1}}`+"\n",
				n+1, n+1, at, at, n)
		}
	}
	fmt.Fprintf(&b, `{"type":"end","conversations":%d,"turns":%d}`+"\n", conversations, conversations*turns)
	return b.String()
}

func (host *hostProcess) export(tenant string) string {
	host.t.Helper()
	a := host.do("GET", "/admin/v1/tenants/"+tenant+"/export", "")
	if a.Status != 200 {
		host.t.Fatalf("export of %s: %d %s", tenant, a.Status, a.Body)
	}
	return string(a.Body)
}

// imported is the host's response to an import.
type imported struct{ Conversations, Turns, Present int }

func (host *hostProcess) imports(tenant, export string) (out imported) {
	host.t.Helper()
	a := host.do("POST", "/admin/v1/tenants/"+tenant+"/import", export, "Content-Type: application/x-ndjson")
	if err := json.Unmarshal(a.Body, &out); err != nil || a.Status != 200 {
		host.t.Fatalf("import into %s: %d %s, %v", tenant, a.Status, a.Body, err)
	}
	return out
}

// receipt is the last line of the host's response to a purge.
type receipt struct {
	Type          string
	Conversations int
	Turns         int
	Storages      []struct{ Storage string }
}

func (host *hostProcess) purge(tenant string) (out receipt) {
	host.t.Helper()
	a := host.do("POST", "/admin/v1/tenants/"+tenant+"/purge", "{}")
	lines := strings.Split(strings.TrimSpace(string(a.Body)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &out); err != nil || a.Status != 200 || out.Type != "result" {
		host.t.Fatalf("purge of %s: %d %s, %v", tenant, a.Status, a.Body, err)
	}
	return out
}

func TestPurge_goesOnAfterTheHostWasKilled(t *testing.T) {
	host := start(t, onSQLite, nil)
	host.put("a", "{}")
	host.put("b", "{}")
	const conversations, turns = 30, 400
	host.imports("a", largeExport(conversations, turns))
	host.imports("b", largeExport(1, 3))

	resp, err := host.http.Post(host.url+"/admin/v1/tenants/a/purge", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	first, _ := bufio.NewReader(resp.Body).ReadString('\n')
	_ = host.cmd.Process.Signal(syscall.SIGKILL)
	<-host.done
	_ = resp.Body.Close()
	if !strings.Contains(first, `"type":"progress"`) {
		t.Fatalf("the purge began with %q", first)
	}
	host.run()
	if a := host.chat("a", "c000", "hello"); a.Status != 404 {
		t.Errorf("half a tenant is served: %d %s", a.Status, a.Body)
	}
	for path, body := range map[string]string{"restore": "", "erase": "{}"} {
		if a := host.do("POST", "/admin/v1/tenants/a/"+path, body); a.Status != 409 {
			t.Errorf("%s of half a tenant: %d %s", path, a.Status, a.Body)
		}
	}
	got := host.purge("a")
	if got.Turns > conversations*turns || got.Turns == 0 {
		t.Errorf("%+v; want no more than %d turns", got, conversations*turns)
	}
	out, err := host.cli("tenant", "history", "a")
	if err != nil || strings.Count(out, "purged: ") != 1 || !strings.Contains(out, fmt.Sprintf(`"turns": %d`, got.Turns)) {
		t.Errorf("%v: %s", err, out)
	}
	host.put("a", "{}")
	if export := host.export("a"); strings.Contains(export, `"type":"turn"`) {
		t.Errorf("what was purged is there again: %.500s", export)
	}
	if export := host.export("b"); strings.Count(export, `"type":"turn"`) != 3 {
		t.Errorf("another tenant lost something: %s", export)
	}
}

func TestImport_goesOnAfterTheHostWasKilled(t *testing.T) {
	host := start(t, onSQLite, nil)
	host.put("a", "{}")
	export := largeExport(20, 100)
	send, body := io.Pipe()
	req, err := http.NewRequest("POST", host.url+"/admin/v1/tenants/a/import", send)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	ended := make(chan error, 1)
	go func() {
		resp, err := host.http.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		ended <- err
	}()
	if _, err := io.WriteString(body, export[:len(export)/2]); err != nil {
		t.Fatal(err)
	}
	host.eventually(10*time.Second, "some of it is there", func() bool { return strings.Count(host.export("a"), `"type":"turn"`) > 500 })
	_ = host.cmd.Process.Signal(syscall.SIGKILL)
	<-host.done
	_ = body.Close()
	if err := <-ended; err == nil {
		t.Error("an import that a host did not live to end was answered")
	}
	host.run()
	got := host.imports("a", export)
	if got.Conversations != 20 || got.Turns+got.Present != 2000 || got.Present == 0 {
		t.Errorf("%+v", got)
	}
	_, want, _ := strings.Cut(export, "\n")
	_, is, _ := strings.Cut(host.export("a"), "\n")
	_, is, _ = strings.Cut(is, "\n") // skips the configuration, which largeExport does not contain
	if is != want {
		t.Errorf("%d bytes were imported and %d are there", len(want), len(is))
	}
}

// TestPurge_aRunningTurnWritesNothing checks that a turn that runs during an erase or a purge fails and
// stores nothing.
func TestPurge_aRunningTurnWritesNothing(t *testing.T) {
	host := start(t, onSQLite, nil)
	host.put("a", `{"llm": {"tokens": 20, "token_delay_ms": 50}}`)
	host.mustChat("a", "c", "before")
	for _, operation := range []string{"erase", "purge"} {
		begun := make(chan struct{})
		last := make(chan event, 1)
		go func() {
			n := 0
			var e event
			_ = host.stream("a", `{"conversation_id":"c","message":"hello","stream":true}`, func(got event) bool {
				if n++; n == 1 {
					close(begun)
				}
				e = got
				return true
			})
			last <- e
		}()
		<-begun
		if a := host.do("POST", "/admin/v1/tenants/a/"+operation, "{}"); a.Status != 200 || !strings.Contains(string(a.Body), `"type":"result"`) {
			t.Fatalf("%s: %d %s", operation, a.Status, a.Body)
		}
		if e := <-last; e.name != "error" || !strings.Contains(e.data, `"conflict"`) {
			t.Errorf("%s: the turn ended with %+v", operation, e)
		}
		if operation == "purge" {
			host.put("a", "{}")
		}
		if export := host.export("a"); strings.Contains(export, `"type":"conversation"`) {
			t.Errorf("%s left %s", operation, export)
		}
	}
}

// TestPurge_findsFormerStorages checks that a purge deletes the conversations in all storages that a
// tenant has used.
func TestPurge_findsFormerStorages(t *testing.T) {
	host := start(t, onSQLite, nil)
	host.put("a", `{"conversation_storage": {"backend": "memory"}}`)
	host.mustChat("a", "first", "hello")
	host.put("a", `{"conversation_storage": {"path": "other.db"}}`)
	host.mustChat("a", "second", "hello")
	host.put("a", `{}`)
	host.mustChat("a", "third", "hello")
	export := host.export("a")
	if strings.Count(export, `"type":"conversation"`) != 3 {
		t.Errorf("exported are %s", export)
	}
	got := host.purge("a")
	if got.Conversations != 3 || got.Turns != 3 || len(got.Storages) != 3 {
		t.Errorf("%+v", got)
	}
}

// TestExport_pipedIntoImport checks that an export of one host can be piped into an import of another
// host.
func TestExport_pipedIntoImport(t *testing.T) {
	from, to := start(t, onSQLite, nil), start(t, onSQLite, nil)
	from.put("a", `{"prompts": {"system": "Be brief."}, "memory": {"max_messages": 4}}`)
	from.imports("a", largeExport(5, 50))
	from.mustChat("a", "c000", "and one more")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w := io.Pipe()
	exported := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, "GET", from.url+"/admin/v1/tenants/a/export", nil)
		if err == nil {
			var resp *http.Response
			if resp, err = from.http.Do(req); err == nil {
				_, err = io.Copy(w, resp.Body)
				_ = resp.Body.Close()
			}
		}
		exported <- err
		_ = w.CloseWithError(err)
	}()
	req, err := http.NewRequestWithContext(ctx, "POST", to.url+"/admin/v1/tenants/a/import?register=true", r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := to.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err := <-exported; err != nil || resp.StatusCode != 200 {
		t.Fatalf("%d %s, %v", resp.StatusCode, answer, err)
	}
	_, a, _ := strings.Cut(from.export("a"), "\n")
	_, b, _ := strings.Cut(to.export("a"), "\n")
	if a != b {
		t.Error("it is not there as it was")
	}
	if reply := to.mustChat("a", "c000", "Do you remember me?"); reply.Turn != 52 || !strings.Contains(reply.Reply, "message 49") {
		t.Errorf("%+v", reply)
	}
	// The commands "tenant export" and "tenant import" do the same with a file.
	file := filepath.Join(from.dir, "a.ndjson")
	if out, err := from.cli("tenant", "export", "a", "--output", file); err != nil {
		t.Fatal(out, err)
	}
	if out, err := to.cli("tenant", "import", "again", file, "--register"); err != nil || !strings.Contains(out, "tenant again is registered") {
		t.Error(out, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}
