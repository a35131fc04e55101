package pgstore

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/jackc/pgx/v5"
)

func call(tenant, conversation string) sdk.Call {
	return sdk.Call{Tenant: tenant, Conversation: conversation, User: "u"}
}

func begin(t testing.TB, s *Store, c sdk.Call, set ...func(*storage.BeginRequest)) *storage.BeginResult {
	t.Helper()
	req := &storage.BeginRequest{Call: c, Messages: said("hi"), Holder: "h", Lease: time.Minute, Tail: 10, Attempt: rand.Text()}
	for _, f := range set {
		f(req)
	}
	res, err := s.Begin(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func commit(t testing.TB, s *Store, c sdk.Call, res *storage.BeginResult) int64 {
	t.Helper()
	if res.Started == nil {
		t.Fatalf("not started: %+v", res)
	}
	n, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
		State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func keyed(k string) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.Key, r.Digest = k, []byte("digest of "+k) }
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// column returns the first column of the query's result.
func column[T any](t *testing.T, c *pgx.Conn, sql string, args ...any) []T {
	t.Helper()
	rows, err := c.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// textOf returns the text of a stored message.
func textOf(m storage.Message) string {
	decoded, err := m.Decode()
	if err != nil {
		return err.Error()
	}
	return decoded.Text()
}

// said returns messages of a user with the texts.
func said(texts ...string) (messages []storage.Message) {
	for _, text := range texts {
		messages = append(messages, storage.EncodeMessage(chat.Text(chat.User, text)))
	}
	return messages
}

// messagesOf returns the messages of the turns.
func messagesOf(turns []storage.Turn) (all []storage.Message) {
	for _, t := range turns {
		all = append(all, t.Messages...)
	}
	return all
}
