package barepgx_test

import (
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

// TestSendsWhatThePluginSends has both make a turn and compares all that came to the
// server: the statements, and how they are put together.
func TestSendsWhatThePluginSends(t *testing.T) {
	cluster := pgtest.For(t, pgtest.Options{NoSync: true})
	if dir, _ := cluster.Socket(); dir == "" {
		t.Skip("there is no socket to listen at")
	}
	tap := listen(t, cluster)
	call := sdk.Call{Tenant: "t", Incarnation: "life", Conversation: "of-the-plugin", User: "u"}
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
			Call: call, Message: chat.Text(chat.User, "hello"), Tail: tail, Holder: "h", Lease: 30 * time.Second, Attempt: fmt.Sprint(attempt),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Commit(t.Context(), &storage.CommitRequest{
			Call: call, Fence: b.Started.Fence, State: storage.Succeeded, Record: []byte(`{"a": 1}`),
			Messages: []chat.Message{chat.Text(chat.Assistant, "hi")}, Usage: chat.Usage{OutputTokens: 1},
		}); err != nil {
			t.Fatal(err)
		}
	}
	turn() // the first makes the conversation and sees what the connection is
	turn() // and this one prepares the statements of those that follow
	tap.take()
	turn()
	plugin := tap.take()

	pool, err := barepgx.Open(t.Context(), tap.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	shape, err := barepgx.Written(t.Context(), pool, call.Tenant, call.Conversation, tail)
	if err != nil {
		t.Fatal(err)
	}
	c := barepgx.Conversation{ID: "of-bare-pgx"}
	for range 3 {
		tap.take()
		if err := shape.Run(t.Context(), pool, &c); err != nil {
			t.Fatal(err)
		}
	}
	ours := tap.take()

	if trips := strings.Count(strings.Join(plugin, "\n"), "Sync"); trips != 2 {
		t.Errorf("a turn of the plugin takes %d round trips", trips)
	}
	if !slices.Equal(plugin, ours) {
		t.Errorf("the plugin sent\n%s\nand bare pgx\n%s", strings.Join(plugin, "\n"), strings.Join(ours, "\n"))
	}
	page, err := store.Read(t.Context(), &storage.ReadRequest{
		Call: sdk.Call{Tenant: "t", Incarnation: "life", Conversation: "of-bare-pgx"}, Limit: 10})
	if err != nil || len(page.Turns) != 3 {
		t.Fatalf("the plugin reads %+v, %v", page, err)
	}
	got := page.Turns[1]
	if len(got.Messages) != 2 || got.Messages[1].Parts[0].Text != "hi" || got.Usage.OutputTokens != 1 || string(got.Record) != `{"a": 1}` {
		t.Errorf("bare pgx wrote %+v", got)
	}
}

// tap is a way to the cluster that keeps what its clients say.
type tap struct {
	dsn   string
	mu    sync.Mutex
	said  []string
	texts map[string]string // of prepared statements; pgx names them by a digest
}

func listen(t *testing.T, c *pgtest.Cluster) *tap {
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
			conns.Go(func() { w.carry(t, client, filepath.Join(of, fmt.Sprintf(".s.PGSQL.%d", port))) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
		_ = os.RemoveAll(dir)
	})
	return w
}

// carry passes one connection on until either side closes it.
func (w *tap) carry(t *testing.T, client net.Conn, to string) {
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
		w.keep(m) // before anything can come of it
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

func (w *tap) keep(m pgproto3.FrontendMessage) {
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
	w.said = append(w.said, what)
}

// take answers what was said since it was last asked.
func (w *tap) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	said := w.said
	w.said = nil
	return said
}
