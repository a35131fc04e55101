package fill

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/botyard/botyard/pgtest"
	pgstore "github.com/botyard/botyard/plugins/storage-postgres"
	sqlitestore "github.com/botyard/botyard/plugins/storage-sqlite"
	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/schema"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
	"github.com/jackc/pgx/v5/pgxpool"
)

// store is a storage that the function check fills.
type store interface {
	storage.Storage
	storage.Importer
	storage.TenantStore
}

func id(i int) string { return fmt.Sprintf("tenant-%06d", i) }

func TestTenants_thenTurns(t *testing.T) {
	s, err := sqlitestore.Open(sqlitestore.Config{Path: filepath.Join(t.TempDir(), "x.db")}, sdk.Env{Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	check(t, s,
		func(last int) error { return Tenants(t.Context(), s, id, 1, last) },
		func(call sdk.Call, messages int) error { return Turns(t.Context(), s, call, messages) })
}

func TestPostgresTenants_thenTurns(t *testing.T) {
	c := pgtest.For(t, pgtest.Options{NoSync: true})
	var cfg pgstore.Config
	if err := schema.Decode(pgstore.Plugin().Info.ConfigSchema, fmt.Appendf(nil, `{"dsn": %q}`, c.DSN("")), &cfg); err != nil {
		t.Fatal(err)
	}
	s, err := pgstore.Open(t.Context(), cfg, sdk.Env{Log: hclog.NewNullLogger()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	p, err := pgxpool.New(t.Context(), c.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	check(t, s,
		func(last int) error { return PostgresTenants(t.Context(), p, id, 1, last) },
		func(call sdk.Call, messages int) error { return PostgresTurns(t.Context(), s, p, call, messages) })
}

// check fills a storage with tenants and turns. It checks that they can be read, and that another tenant
// and another turn can be added.
func check(t *testing.T, s store, tenants func(last int) error, turns func(call sdk.Call, messages int) error) {
	const last = 30
	put := func(id string) *storage.Registration {
		r, err := s.PutTenant(t.Context(), &storage.PutTenantRequest{
			Tenant: id, State: storage.TenantActive, Incarnation: "incarnation", Document: []byte(`{"of": "` + id + `"}`), Attempt: "of " + id,
		})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	put(id(0))
	if err := tenants(last); err != nil {
		t.Fatal(err)
	}
	page, err := s.ListTenants(t.Context(), "", 1000)
	if err != nil || len(page.Registrations) != last+1 {
		t.Fatalf("%d tenants are registered, %v", len(page.Registrations), err)
	}
	for i, r := range page.Registrations {
		if want := `{"of": "` + id(i) + `"}`; r.Tenant != id(i) || r.Version != 1 || r.State != storage.TenantActive || string(r.Document) != want {
			t.Errorf("tenant %d is registered as %+v with %s", i, r, r.Document)
		}
	}
	changes, err := s.TenantChanges(t.Context(), 0, 1000)
	if err != nil || len(changes.Changes) != last+1 || changes.Head != last+1 {
		t.Errorf("the registry tells of %d changes up to %d, %v", len(changes.Changes), changes.Head, err)
	}
	if r := put("another"); r.Position != last+2 {
		t.Errorf("the next registration is at %d", r.Position)
	}

	call := sdk.Call{Tenant: id(1), Incarnation: "incarnation", Conversation: "deep"}
	const messages = 3000
	if err := turns(call, messages); err != nil {
		t.Fatal(err)
	}
	n := nextTurn(t, s, call)
	if n != messages/2+1 {
		t.Errorf("the next turn is number %d", n)
	}
	var all []storage.Turn
	for more := true; more; {
		page, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, After: int64(len(all)), Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		all, more = append(all, page.Turns...), page.More
	}
	if len(all) != int(n) {
		t.Fatalf("%d turns are read", len(all))
	}
	for i, turn := range all[:n-1] {
		if turn.Number != int64(i+1) || turn.Sequence != int64(i+1) || turn.State != storage.Succeeded ||
			len(turn.Messages) != 2 || textOf(turn.Messages[0]) != question || textOf(turn.Messages[1]) != answer {
			t.Fatalf("turn %d is %+v", i+1, turn)
		}
	}
}

// textOf returns the text of a stored message.
func textOf(m storage.Message) string {
	decoded, err := m.Decode()
	if err != nil {
		return err.Error()
	}
	return decoded.Text()
}

// nextTurn runs one turn after the filled turns and returns its number.
func nextTurn(t *testing.T, s storage.Storage, call sdk.Call) int64 {
	const tail = 10
	b, err := s.Begin(t.Context(), &storage.BeginRequest{
		Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "x")), Tail: tail, Holder: "h", Lease: time.Minute, Attempt: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if b.Started == nil || len(b.Started.Tail) != tail/2 || textOf(b.Started.Tail[tail/2-1].Messages[1]) != answer {
		t.Fatalf("Begin answers %+v", b)
	}
	n, err := s.Commit(t.Context(), &storage.CommitRequest{
		Call: call, Fence: b.Started.Fence, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "y"))})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
