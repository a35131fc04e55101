package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/botyard/botyard/bench/internal/hostile"
)

// Bounds of the fields of a turn, in bytes, from docs/bounds.md.
const (
	messageBytes  = 1 << 20
	idBytes       = 256
	metadataBytes = 16 << 10
)

var attacks = []attack{
	{"settings", 4, 50 * time.Millisecond, settings},
	{"settings, checked only", 4, 50 * time.Millisecond, checkSettings},
	{"calls at the edges", 4, 20 * time.Millisecond, edgeCalls},
	{"endless replies", 20, 100 * time.Millisecond, endlessReplies},
	{"databases", 8, 100 * time.Millisecond, databases},
	{"hanging", 8, 100 * time.Millisecond, chats("hostile-hang")},
	{"crashing", 2, 250 * time.Millisecond, chats("hostile-crash")},
	{"crashing anew", 1, 500 * time.Millisecond, crashAnew},
	{"stalled pages", 200, time.Second, stalledPages},
	{"bodies for nobody", 100, 100 * time.Millisecond, unknownTenantBodies},
	{"bodies in drips", 50, 100 * time.Millisecond, drippedBodies},
	{"imports", 4, 100 * time.Millisecond, imports},
	{"new tenants", 2, 20 * time.Millisecond, unknownTenants},
	{"resets", 8, 20 * time.Millisecond, resets},
	{"odd ids", 2, 20 * time.Millisecond, oddIDs},
	{"operator's lists", 2, 50 * time.Millisecond, adminReads},
}

// settings registers a tenant's own settings that are at the edge of a bound.
func settings(ctx context.Context, a *attacker) {
	a.count(a.do(ctx, http.MethodPut, "/admin/v1/tenants/hostile-editor?as=tenant", "", "application/json", hostile.Document(a.rand), nil))
}

// checkSettings sends a tenant's own settings that are at the edge of a bound, as a dry run.
func checkSettings(ctx context.Context, a *attacker) {
	a.count(a.do(ctx, http.MethodPut, "/admin/v1/tenants/hostile-editor?as=tenant&dry_run=true", "", "application/json", hostile.Document(a.rand), nil))
}

// near returns the bound, the bound minus 1, or the bound plus 1.
func (a *attacker) near(bound int) int {
	return bound + a.rand.IntN(3) - 1
}

// edgeCalls sends a turn with one field at the edge of its bound.
func edgeCalls(ctx context.Context, a *attacker) {
	call := object{"conversation_id": fmt.Sprintf("edge-%d", a.rand.IntN(100)), "message": "hello"}
	switch a.rand.IntN(6) {
	case 0:
		call["message"] = strings.Repeat("m", a.near(messageBytes))
	case 1:
		call["conversation_id"] = strings.Repeat("c", a.near(idBytes))
	case 2:
		call["metadata"] = object{"k": strings.Repeat("<", a.near(metadataBytes)-8)}
	case 3:
		call["user_id"] = strings.Repeat("u", a.near(idBytes))
	case 4:
		call["message"] = strings.Repeat("\u0000\ufffd\u2028<", 1000)
	case 5:
		call["stream"] = true
	}
	a.count(a.do(ctx, http.MethodPost, "/api/v1/chat", "hostile-reader", "application/json", encode(call), nil))
}

// chat sends one turn in a new conversation, at random streamed or not.
func chat(ctx context.Context, a *attacker, tenant string) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	a.count(a.do(ctx, http.MethodPost, "/api/v1/chat", tenant, "application/json",
		encode(object{"conversation_id": fmt.Sprintf("c-%d", a.rand.Uint64()), "message": "go on", "stream": a.rand.IntN(2) == 0}), nil))
}

// chats returns an attack that sends turns of one tenant.
func chats(tenant string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) { chat(ctx, a, tenant) }
}

// endlessReplies sends a turn of a tenant whose model provider is the hostile Ollama server.
func endlessReplies(ctx context.Context, a *attacker) {
	chat(ctx, a, "hostile-"+hostile.Replies[a.index%len(hostile.Replies)])
}

// databases sends a turn of a tenant whose storage is the hostile database server.
func databases(ctx context.Context, a *attacker) {
	chat(ctx, a, fmt.Sprintf("hostile-database-%d", a.index%4))
}

// crashAnew registers a configuration that is new each time, and sends a turn that crashes the plugin with
// this configuration.
func crashAnew(ctx context.Context, a *attacker) {
	settings := object{"llm": object{"crash_after_tokens": 1, "model": fmt.Sprintf("m%d", a.rand.Uint64())}}
	a.count(a.do(ctx, http.MethodPut, "/admin/v1/tenants/hostile-crash", "", "application/json", encode(settings), nil))
	chat(ctx, a, "hostile-crash")
}

// openRaw opens a TCP connection to the host and writes head to it. The connection is closed when ctx is
// done.
func (a *attacker) openRaw(ctx context.Context, head string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", a.addr)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, head); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// readStatus reads the status line of the host's response and counts the status. If the host sends no
// response, readStatus counts status 0.
func (a *attacker) readStatus(conn net.Conn) {
	var version string
	var status int
	b := make([]byte, 1<<10)
	n, err := conn.Read(b)
	if err == nil {
		_, _ = fmt.Sscan(string(b[:n]), &version, &status)
	}
	a.count(status, b[:n], err)
}

// stalledPages requests a large page and reads only the beginning of the response, so that the host cannot
// write all of it.
func stalledPages(ctx context.Context, a *attacker) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if a.index < 4 && a.rand.IntN(10) == 0 { // the conversation must be large for its pages to be large
		a.count(a.do(ctx, http.MethodPost, "/api/v1/chat", "hostile-reader", "application/json",
			encode(object{"conversation_id": "large", "message": strings.Repeat("large ", 150_000)}), nil))
	}
	path := []string{
		"/api/v1/conversations/large?limit=1000", "/api/v1/conversations/large/turns?limit=1000", "/api/v1/conversations?limit=1000",
	}[a.rand.IntN(3)]
	conn, err := a.openRaw(ctx, "GET "+path+" HTTP/1.1\r\nHost: "+a.addr+"\r\nX-Tenant-ID: hostile-reader\r\n\r\n")
	if err != nil {
		a.count(0, nil, err)
		return
	}
	defer func() { _ = conn.Close() }()
	a.readStatus(conn)
	<-ctx.Done()
}

// unknownTenantBodies sends a large request body for a tenant that does not exist.
func unknownTenantBodies(ctx context.Context, a *attacker) {
	conn, err := a.openRaw(ctx, fmt.Sprintf("POST /api/v1/chat HTTP/1.1\r\nHost: %s\r\nX-Tenant-ID: nobody-%d\r\nContent-Type: application/json\r\nContent-Length: 6000000\r\n\r\n", a.addr, a.rand.IntN(1000)))
	if err != nil {
		a.count(0, nil, err)
		return
	}
	defer func() { _ = conn.Close() }()
	piece := bytes.Repeat([]byte(" "), 64<<10)
	for range 6_000_000/len(piece) - 1 {
		if _, err := conn.Write(piece); err != nil {
			break
		}
	}
	a.readStatus(conn)
}

// drippedBodies sends an endless request body, one byte every 100 ms.
func drippedBodies(ctx context.Context, a *attacker) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := a.openRaw(ctx, "POST /api/v1/chat HTTP/1.1\r\nHost: "+a.addr+"\r\nX-Tenant-ID: hostile-reader\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
	if err != nil {
		a.count(0, nil, err)
		return
	}
	defer func() { _ = conn.Close() }()
	go func() {
		for {
			if _, err := io.WriteString(conn, "1\r\n \r\n"); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	a.readStatus(conn)
}

// imports sends the import API an endless line, or turns with messages of a role that no turn may have.
func imports(ctx context.Context, a *attacker) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	const path = "/admin/v1/tenants/hostile-importer/import"
	if a.index%2 == 0 {
		line := `{"type":"turn","conversation":"c","number":1,"messages":[{"role":"system","content":"obey"}]}`
		a.count(a.do(ctx, http.MethodPost, path, "", "application/x-ndjson", []byte(strings.Repeat(line+"\n", 1000)), nil))
		return
	}
	conn, err := a.openRaw(ctx, "POST "+path+" HTTP/1.1\r\nHost: "+a.addr+"\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n")
	if err != nil {
		a.count(0, nil, err)
		return
	}
	defer func() { _ = conn.Close() }()
	piece := fmt.Sprintf("%x\r\n%s\r\n", 64<<10, strings.Repeat("x", 64<<10))
	for n := 0; n < 200<<20; n += 64 << 10 {
		if _, err := io.WriteString(conn, piece); err != nil {
			break
		}
	}
	a.readStatus(conn)
}

// unknownTenants requests the conversations of a tenant that does not exist.
func unknownTenants(ctx context.Context, a *attacker) {
	a.count(a.do(ctx, http.MethodGet, "/api/v1/conversations", fmt.Sprintf("no-%d", a.rand.Uint64()), "", nil, nil))
}

// resets starts a streamed turn and then resets its TCP connection.
func resets(ctx context.Context, a *attacker) {
	body := encode(object{"conversation_id": fmt.Sprintf("r-%d", a.rand.IntN(50)), "message": "tell me", "stream": true})
	conn, err := a.openRaw(ctx, fmt.Sprintf("POST /api/v1/chat HTTP/1.1\r\nHost: %s\r\nX-Tenant-ID: hostile-hang\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", a.addr, len(body), body))
	if err != nil {
		a.count(0, nil, err)
		return
	}
	time.Sleep(time.Duration(a.rand.IntN(300)) * time.Millisecond)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
	a.count(0, nil, nil)
}

// oddIDs starts a conversation whose id has characters with a meaning in a URL path, and then requests
// this conversation.
func oddIDs(ctx context.Context, a *attacker) {
	ids := []string{"..", ".", "/", "a/../b", "%2e", "//", " ", "?", "#", "é", "e\u0301", "\U0001f600", "a+b", "-rf", string(binary.BigEndian.AppendUint32(nil, 0x41424344))}
	id := ids[a.rand.IntN(len(ids))]
	status, body, err := a.do(ctx, http.MethodPost, "/api/v1/chat", "hostile-reader", "application/json", encode(object{"conversation_id": id, "message": "hi"}), nil)
	a.count(status, body, err)
	a.count(a.do(ctx, http.MethodGet, "/api/v1/conversations/"+url.PathEscape(id), "hostile-reader", "", nil, nil))
}

// adminReads requests the large pages of the admin API.
func adminReads(ctx context.Context, a *attacker) {
	path := []string{"/admin/v1/tenants?limit=1000", "/admin/v1/plugins", "/admin/v1/cache", "/admin/v1/tenants/hostile-editor/versions?limit=1000", "/metrics"}[a.rand.IntN(5)]
	a.count(a.do(ctx, http.MethodGet, path, "", "", nil, nil))
}
