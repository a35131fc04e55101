package archivetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStorage_Before checks that each method asks Before, and does nothing after its error.
func TestStorage_Before(t *testing.T) {
	s, call := New(), sdk.Call{Tenant: "a", Conversation: "c"}
	text := storage.EncodeMessages(chat.Text(chat.User, "hi"))
	now := time.Now()
	imported := &storage.ImportRequest{Call: sdk.Call{Tenant: "a", Conversation: "imported"}, Turns: []storage.Turn{
		{Sequence: 1, Number: 1, State: storage.Succeeded, Messages: text, StartedAt: now, EndedAt: now}}}
	begin := func() (*storage.BeginResult, error) {
		return s.Begin(t.Context(), &storage.BeginRequest{Call: call, Messages: text, Holder: "h", Lease: time.Minute, Attempt: "1"})
	}
	begun, err := begin()
	if err != nil {
		t.Fatal(err)
	}
	methods := []struct {
		name string
		run  func(context.Context) error
	}{
		{"Begin", func(context.Context) error { _, err := begin(); return err }},
		{"Commit", func(ctx context.Context) error {
			_, err := s.Commit(ctx, &storage.CommitRequest{Call: call, Fence: begun.Started.Fence, State: storage.Succeeded, Messages: text})
			return err
		}},
		{"Read", func(ctx context.Context) error {
			_, err := s.Read(ctx, &storage.ReadRequest{Call: call, Limit: 1})
			return err
		}},
		{"List", func(ctx context.Context) error {
			_, err := s.List(ctx, &storage.ListRequest{Call: call, Limit: 1})
			return err
		}},
		{"Import", func(ctx context.Context) error { _, err := s.Import(ctx, imported); return err }},
		{"Delete", func(ctx context.Context) error {
			_, err := s.Delete(ctx, storage.Scope{Call: sdk.Call{Tenant: "a"}, Tenant: true})
			return err
		}},
	}
	content := func() (turns int64) {
		s.Before = nil
		page, err := s.List(t.Context(), &storage.ListRequest{Call: call, Limit: 9})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Conversations {
			turns += c.Turns
		}
		return turns + 100*int64(len(page.Conversations))
	}
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			wrong, was := errors.New("broken"), content()
			s.Before = func(method string, call sdk.Call) error {
				if method != m.name || call.Tenant != "a" {
					t.Errorf("%s of %+v", method, call)
				}
				return wrong
			}
			if err := m.run(t.Context()); !errors.Is(err, wrong) {
				t.Errorf("with an error of Before: %v", err)
			}
			if is := content(); is != was {
				t.Errorf("the failed call changed the content from %d to %d", was, is)
			}
			if err := m.run(t.Context()); err != nil {
				t.Errorf("without Before: %v", err)
			}
		})
	}
	if left := content(); left != 0 {
		t.Errorf("%d are left after Delete", left)
	}
}
