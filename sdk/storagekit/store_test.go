package storagekit_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
	"github.com/botyard/botyard/sdk/storagetest"
)

// TestStore_conformance checks all rules for storages over the DB in memory.
func TestStore_conformance(t *testing.T) {
	db := memdb.New(memdb.Options{})
	open := func(context.Context) (storage.Storage, error) { return storagekit.New(db, storagekit.Options{}), nil }
	opts := []storagetest.Option{
		storagetest.Lease(200 * time.Millisecond), storagetest.Peers(open), storagetest.Features(feature.Retract),
		storagetest.Report(func(r storagetest.Rule, took time.Duration, err error) {
			t.Logf("%-20s %6.0f ms  %v", r.Name, float64(took.Milliseconds()), err == nil)
		}),
	}
	if testing.Short() {
		opts = append(opts, storagetest.Short())
	}
	if err := storagetest.Test(t.Context(), open, opts...); err != nil {
		t.Error(err)
	}
}

// TestStore_tail checks that a tail passes over turns that are not live, be they none, few or many.
func TestStore_tail(t *testing.T) {
	for _, failed := range []int{0, 1, 8, 9, 30} {
		t.Run(fmt.Sprint(failed), func(t *testing.T) {
			s := storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
			call := sdk.Call{Tenant: "t", Conversation: "c", User: "u"}
			begin := func(text string) *storage.Started {
				r, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Tail: 5, Holder: "h", Lease: time.Minute, Attempt: text,
					Messages: storage.EncodeMessages(chat.Text(chat.User, text))})
				if err != nil {
					t.Fatal(err)
				}
				return r.Started
			}
			end := func(text string, state storage.State) {
				_, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: begin(text).Fence, State: state,
					Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "re "+text))})
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, text := range []string{"1", "2", "3"} {
				end(text, storage.Succeeded)
			}
			for n := range failed {
				end(fmt.Sprintf("failed %d", n), storage.Failed)
			}
			end("4", storage.Succeeded)
			started := begin("5")
			var got []string
			for _, turn := range started.Tail {
				messages, err := storage.DecodeMessages(turn.Messages)
				if err != nil || turn.State != storage.Succeeded || turn.User != "u" {
					t.Errorf("%+v, %v", turn, err)
				}
				for _, m := range messages {
					got = append(got, fmt.Sprintf("%d %s", turn.Number, m.Text()))
				}
			}
			want := []string{"2 2", "2 re 2", "3 3", "3 re 3", "4 4", "4 re 4"}
			if !slices.Equal(got, want) || started.TailCut {
				t.Errorf("got %q, cut %t; want %q", got, started.TailCut, want)
			}
		})
	}
}

// TestStore_longTail checks a tail of more turns than the Store makes room for at first.
func TestStore_longTail(t *testing.T) {
	s := storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
	call := sdk.Call{Tenant: "t", Conversation: "c"}
	imported(t, s, call, 200)
	r, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Tail: 300, Holder: "h", Lease: time.Minute,
		Messages: storage.EncodeMessages(chat.Text(chat.User, "hi"))})
	if err != nil || len(r.Started.Tail) != 150 {
		t.Fatalf("%+v, %v; want a tail of 150 turns", r, err)
	}
	for i, turn := range r.Started.Tail {
		if turn.Number != int64(51+i) || len(turn.Messages) != 2 {
			t.Errorf("turn %d of the tail: %+v", i, turn)
		}
	}
}
