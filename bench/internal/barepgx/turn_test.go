package barepgx_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/bench/internal/barepgx"
	"github.com/botyard/botyard/pgtest"
	pgstore "github.com/botyard/botyard/plugins/storage-postgres"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgproto3"
)

// TestTurn_sendsWhatThePluginSends runs a turn with the plugin storage-postgres and a turn with bare pgx.
// It compares all protocol messages that the server received: the statements and their pipelines.
func TestTurn_sendsWhatThePluginSends(t *testing.T) {
	cluster := pgtest.For(t, pgtest.Options{NoSync: true})
	if dir, _ := cluster.Socket(); dir == "" {
		t.Skip("there is no socket to listen at")
	}
	tap := startTap(t, cluster)
	call := sdk.Call{Tenant: "t", Incarnation: "incarnation", Conversation: "of-the-plugin", User: "u"}
	const tail = 10

	var cfg pgstore.Config
	block := fmt.Sprintf(`{"dsn": %q}`, tap.dsn)
	if err := schema.Decode(pgstore.Plugin().Info.ConfigSchema, []byte(block), &cfg); err != nil {
		t.Fatal(err)
	}
	store, err := pgstore.Open(t.Context(), cfg, sdk.Env{Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	attempt := 0
	turn := func() {
		attempt++
		b, err := store.Begin(t.Context(), &storage.BeginRequest{
			Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "hello")), Tail: tail, Holder: "h", Lease: 30 * time.Second, Attempt: fmt.Sprint(attempt),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Commit(t.Context(), &storage.CommitRequest{
			Call: call, Fence: b.Started.Fence, State: storage.Succeeded, Record: []byte(`{"a": 1}`),
			Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hi")), Usage: storage.EncodeUsage(chat.Usage{OutputTokens: 1}),
		}); err != nil {
			t.Fatal(err)
		}
	}
	turn() // this turn creates the conversation
	turn() // this turn prepares the statements of later turns
	tap.drain()
	turn()
	plugin := tap.drain()

	pool, err := barepgx.Open(t.Context(), tap.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	shape, err := barepgx.ReadTurn(t.Context(), pool, call.Tenant, call.Conversation, tail)
	if err != nil {
		t.Fatal(err)
	}
	c := barepgx.Conversation{ID: "of-bare-pgx"}
	for range 3 {
		tap.drain()
		if err := shape.Run(t.Context(), pool, &c); err != nil {
			t.Fatal(err)
		}
	}
	ours := tap.drain()

	if trips := strings.Count(strings.Join(plugin, "\n"), "Sync"); trips != 2 {
		t.Errorf("a turn of the plugin takes %d round trips", trips)
	}
	if !slices.Equal(plugin, ours) {
		t.Errorf("the plugin sent\n%s\nand bare pgx\n%s", strings.Join(plugin, "\n"), strings.Join(ours, "\n"))
	}
	page, err := store.Read(t.Context(), &storage.ReadRequest{
		Call: sdk.Call{Tenant: "t", Incarnation: "incarnation", Conversation: "of-bare-pgx"}, Limit: 10})
	if err != nil || len(page.Turns) != 3 {
		t.Fatalf("the plugin reads %+v, %v", page, err)
	}
	got := page.Turns[1]
	if len(got.Messages) != 2 || string(got.Usage) == "" || !bytes.Equal(got.Messages[1].Body, storage.EncodeMessage(chat.Text(chat.Assistant, "hi")).Body) || string(got.Record) != `{"a": 1}` {
		t.Errorf("bare pgx wrote %+v", got)
	}
}

// tap forwards connections to the cluster and records the messages that the clients send.
type tap struct {
	dsn   string
	mu    sync.Mutex
	sent  []string
	texts map[string]string // SQL of prepared statements by their names, which pgx makes from a digest
}

func startTap(t *testing.T, c *pgtest.Cluster) *tap {
	dir, err := os.MkdirTemp("", "tap")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	of, port := c.Socket()
	w := &tap{texts: map[string]string{}, dsn: fmt.Sprintf("host=%s port=5432 user=%s dbname=postgres", dir, pgtest.Superuser)}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { w.forward(t, client, filepath.Join(of, fmt.Sprintf(".s.PGSQL.%d", port))) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
		_ = os.RemoveAll(dir)
	})
	return w
}

// forward forwards one connection until either side closes it.
func (w *tap) forward(t *testing.T, client net.Conn, to string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("unix", to)
	if err != nil {
		t.Error(err)
		return
	}
	var back sync.WaitGroup
	defer back.Wait()
	defer func() { _ = server.Close() }()
	back.Go(func() { _, _ = io.Copy(client, server) })
	heard := pgproto3.NewBackend(client, io.Discard)
	m, err := heard.ReceiveStartupMessage()
	for err == nil {
		var b []byte
		w.record(m) // recorded first, so that drain sees the message once the server has answered it
		if b, err = m.Encode(nil); err == nil {
			_, err = server.Write(b)
		}
		if err == nil {
			m, err = heard.Receive()
		}
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func (w *tap) record(m pgproto3.FrontendMessage) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := strings.TrimPrefix(fmt.Sprintf("%T", m), "*pgproto3.")
	switch m := m.(type) {
	case *pgproto3.Parse:
		w.texts[m.Name] = m.Query
		what += fmt.Sprintf(" %s %v", m.Query, m.ParameterOIDs)
	case *pgproto3.Bind:
		what += fmt.Sprintf(" %s %v %v", w.texts[m.PreparedStatement], m.ParameterFormatCodes, m.ResultFormatCodes)
	}
	w.sent = append(w.sent, what)
}

// drain returns the messages that were recorded since the last call of drain.
func (w *tap) drain() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent := w.sent
	w.sent = nil
	return sent
}
