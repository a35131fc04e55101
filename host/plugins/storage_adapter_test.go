package plugins

import (
	"testing"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStorage_countsNoBytes checks that the host requests less and less from a storage that
// ignores byte limits, until the response fits into a message. The result must say that a
// part is missing.
func TestStorage_countsNoBytes(t *testing.T) {
	large := fault.New(fault.Internal, "too large").By(fault.PartyPlugin)
	large.Err = fault.ErrTooLarge
	var tails []int
	r, err := beginWithin(&storage.BeginRequest{Tail: 200, Attempt: "a"}, func(r *storage.BeginRequest) (*storage.BeginResult, error) {
		if tails = append(tails, r.Tail); r.Tail > 20 || r.Attempt != "a" {
			return nil, large
		}
		return &storage.BeginResult{Started: &storage.Started{Tail: make([]chat.Message, r.Tail)}}, nil
	})
	if err != nil || len(r.Started.Tail) != 12 || !r.Started.TailCut {
		t.Errorf("after tails of %d: %+v, %v", tails, r, err)
	}
	for name, refused := range map[string]struct {
		err    error
		begins int
	}{"another error": {fault.New(fault.Conflict, "no"), 1}, "the host's own": {fault.New(fault.Internal, "large: %w", fault.ErrTooLarge), 1}, "whatever is asked": {large, 5}} {
		n := 0
		_, err := beginWithin(&storage.BeginRequest{Tail: 200, Attempt: "a"}, func(*storage.BeginRequest) (*storage.BeginResult, error) { n++; return nil, refused.err })
		if err != refused.err || n != refused.begins {
			t.Errorf("%s: %v after %d; want %d", name, err, n, refused.begins)
		}
	}
	page, err := readWithin(&storage.ReadRequest{Limit: 50}, func(r *storage.ReadRequest) (*storage.TurnPage, error) {
		if r.Limit > 1 {
			return nil, large
		}
		return &storage.TurnPage{Turns: make([]storage.Turn, 1), More: true}, nil
	})
	if err != nil || len(page.Turns) != 1 || !page.More {
		t.Errorf("%+v, %v", page, err)
	}
}
