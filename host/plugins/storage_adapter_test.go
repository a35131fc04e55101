package plugins

import (
	"testing"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// errTooLarge returns the error of a response that is larger than a message may be.
func errTooLarge() error {
	e := fault.New(fault.Internal, "too large").By(fault.PartyPlugin)
	e.Err = fault.ErrAnswerTooLarge
	return e
}

// TestBeginWithin checks that beginWithin requests shorter and shorter tails from a storage
// that ignores byte limits, until the response fits into a message. The result must say that
// the tail is cut.
func TestBeginWithin(t *testing.T) {
	large := errTooLarge()
	var tails []int
	r, err := beginWithin(&storage.BeginRequest{Tail: 200, Attempt: "a"}, func(r *storage.BeginRequest) (*storage.BeginResult, error) {
		if tails = append(tails, r.Tail); r.Tail > 20 || r.Attempt != "a" {
			return nil, large
		}
		return &storage.BeginResult{Started: &storage.Started{Tail: make([]storage.Turn, r.Tail)}}, nil
	})
	if err != nil || len(r.Started.Tail) != 12 || !r.Started.TailCut {
		t.Errorf("after tails of %d: %+v, %v", tails, r, err)
	}
	for name, c := range map[string]struct {
		err    error
		begins int
	}{
		"another error":               {fault.New(fault.Conflict, "no"), 1},
		"a request that is too large": {fault.New(fault.Internal, "large: %w", fault.ErrRequestTooLarge), 1},
		"a response that never fits":  {large, 5},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			_, err := beginWithin(&storage.BeginRequest{Tail: 200, Attempt: "a"}, func(*storage.BeginRequest) (*storage.BeginResult, error) { n++; return nil, c.err })
			if err != c.err || n != c.begins {
				t.Errorf("%v after %d attempts; want %d", err, n, c.begins)
			}
		})
	}
}

// TestReadWithin checks that readWithin reads a single turn if a page of turns is too large.
func TestReadWithin(t *testing.T) {
	page, err := readWithin(&storage.ReadRequest{Limit: 50}, func(r *storage.ReadRequest) (*storage.TurnPage, error) {
		if r.Limit > 1 {
			return nil, errTooLarge()
		}
		return &storage.TurnPage{Turns: make([]storage.Turn, 1), More: true}, nil
	})
	if err != nil || len(page.Turns) != 1 || !page.More {
		t.Errorf("%+v, %v", page, err)
	}
}
