package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/host"
	"github.com/botyard/botyard/host/archive"
	"github.com/botyard/botyard/host/archive/archivetest"
	"github.com/botyard/botyard/host/config"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// serveTracked serves a host whose registry stores tenants in a data folder, until the test ends.
func serveTracked(t *testing.T) *testServer {
	t.Helper()
	return serveHost(t, Options{}, host.Options{Config: map[string]any{
		"data_dir": t.TempDir(),
		"registry": map[string]any{"storage": map[string]any{"backend": "memory"}},
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
}

// text sends a request, checks the status of the response, and returns the body.
func (s *testServer) text(method, path string, h headers, body string, status int) string {
	s.Helper()
	resp := s.request(method, path, h, body)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	if resp.StatusCode != status {
		s.Fatalf("%s %s: status %d, want %d: %s", method, path, resp.StatusCode, status, b)
	}
	return string(b)
}

var ndjson = headers{"Content-Type": ndjsonType}

func TestArchive_exportAndImport(t *testing.T) {
	s := serveTracked(t)
	s.register("a", map[string]any{"prompts": map[string]any{"system": "Be brief."}})
	for i := range 3 {
		s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, chatBody(fmt.Sprint("c", i), "hello", "user_id", "u"), 200, nil)
		s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, chatBody(fmt.Sprint("c", i), "again", "user_id", "u", "metadata", map[string]any{"k": "<v>"}), 200, nil)
	}
	resp := s.request("GET", "/admin/v1/tenants/a/export", nil, "")
	if kind := resp.Header.Get("Content-Type"); kind != ndjsonType {
		t.Errorf("is %q", kind)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	export := string(body)
	if !strings.HasSuffix(export, "{\"type\":\"end\",\"conversations\":3,\"turns\":6}\n") {
		t.Fatal(export)
	}
	if one := s.text("GET", "/admin/v1/tenants/a/export?user=nobody", nil, "", 200); !strings.HasSuffix(one, `"conversations":0,"turns":0}`+"\n") {
		t.Error(one)
	}
	if head := s.text("HEAD", "/admin/v1/tenants/a/export", nil, "", 200); head != "" {
		t.Error(head)
	}
	var done Imported
	s.call("POST", "/admin/v1/tenants/b/import?register=true", ndjson, export, 200, &done)
	if want := (Imported{Conversations: 3, Turns: 6, Registered: true}); done != want {
		t.Errorf("%+v; want %+v", done, want)
	}
	s.call("POST", "/admin/v1/tenants/b/import", ndjson, export, 200, &done)
	if want := (Imported{Conversations: 3, Present: 6}); done != want {
		t.Errorf("%+v; want %+v", done, want)
	}
	of := func(export string) string { _, rest, _ := strings.Cut(export, "\n"); return rest }
	if again := s.text("GET", "/admin/v1/tenants/b/export", nil, "", 200); of(again) != of(export) {
		t.Errorf("got\n%s\nwant\n%s", again, export)
	}
	if r := s.chat("b", "c1", "Do you remember me?"); r.Turn != 3 || !strings.Contains(r.Reply, "hello") {
		t.Errorf("%+v", r)
	}
}

func TestArchive_refusals(t *testing.T) {
	s := serveTracked(t)
	s.register("a", nil)
	s.chat("a", "c", "hello")
	const tenants = "/admin/v1/tenants/"
	for _, c := range []struct {
		method, path, kind, body string
		status                   int
		want                     string
	}{
		{"GET", "nobody/export", "", "", 404, "there is no tenant"},
		{"GET", "a/export?user=", "", "", 400, "user: is empty"},
		{"GET", "a/export?current=maybe", "", "", 400, "expected true or false"},
		{"GET", "a/export?usr=u", "", "", 400, "is not a parameter"},
		{"GET", "a%20b/export", "", "", 400, "is not a tenant id"},
		{"POST", "a/import", "application/json", "{}", 415, "expected application/x-ndjson"},
		{"POST", "a/import", "text/plain", "{}", 415, "expected application/x-ndjson"},
		{"POST", "a/import", ndjsonType, "{}\n", 422, "line 1: is of the type"},
		{"POST", "a/import", ndjsonType, `{"type":"export","version":1,"tenant":"a","created_at":"2026-01-02T03:04:05Z"}` + "\n", 422, "its end is missing"},
		{"POST", "nobody/import", ndjsonType, `{"type":"export","version":1}` + "\n" + `{"type":"end"}`, 404, "register it first"},
		{"POST", "a/erase", "text/plain", "{}", 415, "expected application/json"},
		{"POST", "a/erase", "application/json", `{"user":null}`, 400, "user: is empty"},
		{"POST", "a/erase", "application/json", `{"user":""}`, 400, "user: is empty"},
		{"POST", "a/erase", "application/json", `{"usr":"u"}`, 400, "is not a field"},
		{"POST", "a/purge", "application/json", `{"user":"u"}`, 400, "is not a field"},
		{"POST", "a/purge", "application/json", `{"abandon":"u"}`, 400, "is a JSON string; expected a list"},
		{"POST", "a/purge", "application/json", `{"abandon":["0123456789"]}`, 422, "is no storage of this tenant"},
		{"POST", "nobody/purge", "application/json", `{}`, 404, "there is no tenant"},
	} {
		t.Run(c.method+" "+c.path+" "+c.want, func(t *testing.T) {
			if got := s.in(t).text(c.method, tenants+c.path, headers{"Content-Type": c.kind}, c.body, c.status); !strings.Contains(got, c.want) {
				t.Errorf("the response to %s is %s; want %q", c.body, got, c.want)
			}
		})
	}
	if n := len(s.turns("a", "c")); n != 1 {
		t.Errorf("%d turns are left", n)
	}
}

// jsonLines decodes a text of JSON lines.
func (s *testServer) jsonLines(text string) []map[string]any {
	s.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			s.Fatalf("%v: %s", err, line)
		}
		out = append(out, m)
	}
	return out
}

func TestArchive_eraseAndPurge(t *testing.T) {
	s := serveTracked(t)
	s.register("a", nil)
	for _, user := range []string{"u", "v", "w"} {
		s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, chatBody("c-"+user, "hello", "user_id", user), 200, nil)
	}
	last := func(path, body string) map[string]any {
		lines := s.jsonLines(s.text("POST", "/admin/v1/tenants/a/"+path, nil, body, 200))
		for _, l := range lines[:len(lines)-1] {
			if l["type"] != "progress" || l["storage"] != "memory" {
				t.Errorf("progress is %v", l)
			}
		}
		return lines[len(lines)-1]
	}
	if got := last("erase", `{"user":"u"}`); got["type"] != "result" || got["conversations"] != 1.0 || got["user"] != "u" {
		t.Errorf("%v", got)
	}
	if got := last("erase", `{}`); got["conversations"] != 2.0 || got["turns"] != 2.0 {
		t.Errorf("%v", got)
	}
	if r := s.chat("a", "c-v", "Do you remember me?"); r.Turn != 1 {
		t.Errorf("%+v", r)
	}
	receipt := last("purge", `{}`)
	if receipt["type"] != "result" || receipt["turns"] != 1.0 || receipt["done_at"] == nil || receipt["incarnation"] == "" {
		t.Errorf("%v", receipt)
	}
	s.call("POST", "/api/v1/chat", headers{"X-Tenant-ID": "a"}, chatBody("c-v", "hello"), 404, nil)
	if again := last("purge", `{}`); fmt.Sprint(again) != fmt.Sprint(receipt) {
		t.Errorf("the second receipt is %v", again)
	}
	var history TenantVersions
	s.call("GET", "/admin/v1/tenants/a/versions", nil, "", 200, &history)
	var kept map[string]any
	if len(history.Versions) != 1 || history.Versions[0].State != "purged" || json.Unmarshal(history.Versions[0].Receipt, &kept) != nil || kept["turns"] != 1.0 {
		t.Errorf("%+v", history)
	}
	s.register("a", nil)
	if r := s.chat("a", "c-v", "Do you remember me?"); r.Turn != 1 {
		t.Errorf("what was purged is there again: %+v", r)
	}
}

// archiveHost is a host with another archive.
type archiveHost struct {
	*host.Host
	archive *archive.Archive
}

func (s archiveHost) Archive() *archive.Archive { return s.archive }

// serveArchive serves a tenant "a" with n conversations of size bytes each. The conversations are
// in a storage in memory, which the archive of the host uses.
func serveArchive(t *testing.T, n, size int) (*testServer, *archivetest.Storage) {
	t.Helper()
	s := serve(t, Options{})
	s.register("a", nil)
	on := archivetest.New()
	for i := range n {
		now := time.Now()
		if _, err := on.Import(t.Context(), &storage.ImportRequest{
			Call:  sdk.Call{Tenant: "a", Conversation: fmt.Sprintf("c%03d", i), User: "u"},
			Turns: []storage.Turn{{Sequence: 1, Number: 1, State: storage.Succeeded, StartedAt: now, EndedAt: now, Messages: storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", size)))}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	// From here on the server uses h as its host.
	h := archiveHost{s.host, archive.New(archive.Options{Registry: s.host.Registry(), OpenStorage: func(context.Context, string, config.SealedBlock) (*archive.OpenedStorage, error) {
		return &archive.OpenedStorage{Storage: on, Importer: on, KnowsOwners: true, Close: func() {}}, nil
	}})}
	s.server.host = h
	return s, on
}

func TestExportTenant_failsLater(t *testing.T) {
	s, on := serveArchive(t, 300, 10)
	broken := fault.New(fault.Internal, "it is broken")
	reads := 0
	on.Before = func(method string, call sdk.Call) error {
		if reads++; method == "Read" && call.Conversation == "c250" || method == "Delete" && reads > 255 {
			return broken
		}
		return nil
	}
	lines := s.jsonLines(s.text("GET", "/admin/v1/tenants/a/export", nil, "", 200))
	last := lines[len(lines)-1]
	problem, _ := last["problem"].(map[string]any)
	if last["type"] != "error" || problem["class"] != "internal" || !strings.Contains(fmt.Sprint(problem["detail"]), "it is broken") || problem["request_id"] == nil {
		t.Errorf("%v", last)
	}
	if n := len(lines); n != 2+2*250+1 {
		t.Errorf("%d lines", n)
	}
}

// TestExportTenant_slowReader checks that an export stops reading the storage while its response is
// not read.
func TestExportTenant_slowReader(t *testing.T) {
	s, on := serveArchive(t, 200, 200_000) // 40 MB in total
	read := make(chan struct{}, 1000)
	on.Before = func(method string, _ sdk.Call) error {
		if method == "Read" {
			read <- struct{}{}
		}
		return nil
	}
	resp := s.request("GET", "/admin/v1/tenants/a/export", nil, "")
	// Wait until the export has not read the storage for 500 ms.
	for quiet := false; !quiet; {
		select {
		case <-read:
		case <-time.After(500 * time.Millisecond):
			quiet = true
		}
	}
	in := bufio.NewReader(resp.Body)
	n := 0
	for {
		if _, err := in.ReadString('\n'); err != nil {
			break
		}
		n++
	}
	if more := len(read); n != 2+2*200+1 || more < 50 {
		t.Errorf("%d lines; %d of 200 conversations were read while the response was not read", n, 200-more)
	}
}

func TestImportTenant_refusedWhileItIsSent(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	send, body := io.Pipe()
	stop := make(chan struct{})
	go func() {
		defer func() { _ = body.Close() }()
		_, _ = io.WriteString(body, `{"type":"export","version":99}`+"\n")
		filler := []byte(strings.Repeat("x", 1<<20))
		for { // sends more than the buffers of the connection hold
			select {
			case <-stop:
				return
			default:
			}
			if _, err := body.Write(filler); err != nil {
				return
			}
		}
	}()
	defer close(stop)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/admin/v1/tenants/a/import", send)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", ndjsonType)
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 422 || !strings.Contains(string(b), "version 99") {
		t.Errorf("%d %s, %v", resp.StatusCode, b, err)
	}
}

// TestImportTenant_endsWithTheHost checks that a stopping host does not wait for the rest of an
// import.
func TestImportTenant_endsWithTheHost(t *testing.T) {
	s := serve(t, Options{})
	s.register("a", nil)
	c := s.raw("POST /admin/v1/tenants/a/import HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + ndjsonType + "\r\nContent-Length: 1000000\r\n\r\n" +
		`{"type":"export","version":1,"tenant":"a","created_at":"2026-01-02T03:04:05Z"}` + "\n")
	answered := make(chan string, 1)
	go func() {
		b, _ := io.ReadAll(c)
		answered <- string(b)
	}()
	time.Sleep(50 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begun := time.Now()
	_ = s.server.Drain(ctx)
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("the drain took %s", took)
	}
	if got := <-answered; !strings.Contains(got, "503") || !strings.Contains(got, "the host is stopping") {
		t.Errorf("answered %s", got)
	}
}

// TestArchive_retention checks that a host regularly deletes conversations older than
// retention_days, and builds no bots to do so.
func TestArchive_retention(t *testing.T) {
	s := serveHost(t, Options{}, host.Options{RetainEvery: 50 * time.Millisecond, Config: map[string]any{
		"defaults": map[string]any{"llm": map[string]any{"provider": "echo"}},
	}})
	at := time.Now().AddDate(0, 0, -3).UTC().Format(time.RFC3339)
	var export strings.Builder
	fmt.Fprintln(&export, `{"type":"export","version":1,"tenant":"a","created_at":"2026-01-02T03:04:05Z"}`)
	for i := range 10 {
		fmt.Fprintf(&export, `{"type":"conversation","id":"c%d","created_at":%q,"updated_at":%q}`+"\n", i, at, at)
		fmt.Fprintf(&export, `{"type":"turn","sequence":1,"number":1,"state":"succeeded","started_at":%q,"ended_at":%q,"messages":[{"role":"user","parts":[{"text":"x"}]},{"role":"assistant","parts":[{"text":"y"}]}],"usage":{"input_tokens":0,"output_tokens":0}}`+"\n", at, at)
	}
	fmt.Fprintln(&export, `{"type":"end","conversations":10,"turns":10}`)
	count := func(tenant string) int {
		return strings.Count(s.text("GET", "/admin/v1/tenants/"+tenant+"/export", nil, "", 200), `"type":"turn"`)
	}
	for _, id := range []string{"short", "long", "none"} {
		s.register(id, map[string]any{})
		s.text("POST", "/admin/v1/tenants/"+id+"/import", ndjson, export.String(), 200)
	}
	s.register("short", map[string]any{"conversation_storage": map[string]any{"retention_days": 2}})
	s.register("long", map[string]any{"conversation_storage": map[string]any{"retention_days": 4}})
	s.eventually("the old conversations are deleted", func() bool { return count("short") == 0 })
	if long, none := count("long"), count("none"); long != 10 || none != 10 {
		t.Errorf("the other tenants have %d and %d conversations; want 10 each", long, none)
	}
	if cached := s.host.Registry().CachedBots(); len(cached) > 0 {
		t.Errorf("bots were built: %+v", cached)
	}
}
