package sqlitestore

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

func branchRequest(through int64) *storage.BranchRequest {
	c := call
	c.Conversation = "branch"
	return &storage.BranchRequest{Call: c, Source: call.Conversation, Through: through}
}

// steps runs the transactions of a Branch. It calls between before each but the first.
func steps(t *testing.T, s *Store, between func()) (*branchRun, int) {
	t.Helper()
	b := &branchRun{BranchRequest: branchRequest(0)}
	n := 0
	for b.result == nil && !b.changed {
		if n++; n > 1 {
			between()
		}
		err := s.write(t.Context(), func(tx *session) error {
			if b.copy == nil {
				return b.start(tx, time.Now().UnixNano())
			}
			return b.step(tx)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b, n
}

// TestBranch_inSteps copies more turns than a transaction copies. It checks that nobody sees a part of
// the copy, that other turns run meanwhile, and that a cursor finds the copy.
func TestBranch_inSteps(t *testing.T) {
	s := openStore(t, t.TempDir())
	grow(t, s, 1, 2*branchStep+1) // of tenant t1
	all := make([]storage.Turn, 2*branchStep+1)
	for i := range all {
		all[i] = storage.Turn{Sequence: int64(i + 1), Number: int64(i + 1), State: storage.Succeeded, User: call.User, Key: "k", Usage: []byte(`{"input_tokens":1}`),
			Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")), StartedAt: time.Unix(1, 0).UTC(), EndedAt: time.Unix(2, 0).UTC()}
	}
	if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: all}); err != nil {
		t.Fatal(err)
	}
	claimAll(t, s, "early")
	b, n := steps(t, s, func() {
		if _, err := s.Read(t.Context(), &storage.ReadRequest{Call: branchRequest(0).Call, Limit: 1}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a part of the copy is seen: %v", err)
		}
		for _, k := range claimAll(t, s, "early") {
			if k.Conversation == "branch" {
				t.Error("a part of the copy is followed")
			}
		}
		end(t, s, begin(t, s))
	})
	if n != 3 || b.result == nil || b.result.Turns != int64(len(all)) || b.result.Through != int64(len(all)) {
		t.Fatalf("%d steps, result %+v", n, b.result)
	}
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: branchRequest(0).Call, Limit: storage.MaxPage})
	if err != nil || len(page.Turns) != len(all) {
		t.Fatalf("the copy has %+v, %v", page, err)
	}
	for i := range all {
		all[i].Messages = page.Turns[i].Messages
	}
	if !reflect.DeepEqual(page.Turns, all) {
		t.Errorf("the copy has %+v; want %+v", page.Turns[0], all[0])
	}
	found := false
	for _, k := range claimAll(t, s, "late") {
		found = found || k.Conversation == "branch"
	}
	if !found {
		t.Error("the copy is not behind")
	}
	again, err := s.Branch(t.Context(), branchRequest(0))
	if err != nil || *again != *b.result {
		t.Errorf("again: %+v, %v; want %+v", again, err, b.result)
	}
}

// TestBranch_emptiedMeanwhile checks that a copy does not keep what was deleted while it was made.
func TestBranch_emptiedMeanwhile(t *testing.T) {
	s := openStore(t, t.TempDir())
	turnsOf(t, s, call.Conversation, "ann", "bob")
	large := storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", branchBytes)))
	end(t, s, begin(t, s, func(r *storage.BeginRequest) { r.Messages = large }))
	end(t, s, begin(t, s))
	bob := call
	bob.Conversation, bob.User = "", "bob"
	b, _ := steps(t, s, func() {
		if d, err := s.Delete(t.Context(), storage.Scope{Call: bob}); err != nil || d.Emptied > 1 {
			t.Fatalf("deleted %+v, %v", d, err)
		}
	})
	if !b.changed {
		t.Errorf("the copy was finished: %+v", b.result)
	}
	res, err := s.Branch(t.Context(), branchRequest(0))
	if err != nil || res.Turns != 4 {
		t.Fatalf("branch: %+v, %v", res, err)
	}
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: branchRequest(0).Call, Limit: 10})
	if err != nil || len(page.Turns) != 4 || len(page.Turns[1].Messages) != 0 {
		t.Errorf("the copy has %d turns, %v; want the one of the user to be empty", len(page.Turns), err)
	}
}

// TestBranch_retractedMeanwhile checks that no turn is copied that was retracted before the copy was
// finished.
func TestBranch_retractedMeanwhile(t *testing.T) {
	s := openStore(t, t.TempDir())
	large := storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", branchBytes)))
	for range 3 {
		end(t, s, begin(t, s, func(r *storage.BeginRequest) { r.Messages = large }))
	}
	b := &branchRun{BranchRequest: branchRequest(3)}
	if err := s.write(t.Context(), func(tx *session) error { return b.start(tx, time.Now().UnixNano()) }); err != nil || b.result != nil {
		t.Fatalf("%+v, %v", b.result, err)
	}
	end(t, s, begin(t, s, retracting(3)))
	var err error
	for err == nil && b.result == nil {
		err = s.write(t.Context(), func(tx *session) error { return b.step(tx) })
	}
	if !fault.Is(err, fault.Conflict) || fault.Of(err).Path.String() != "through" {
		t.Errorf("the copy of a retracted turn: %+v, %v", b.result, err)
	}
}
