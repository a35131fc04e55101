package follow

import (
	"context"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// newStoreKey is a storage that has dropped cursors of the store key. Until the memory has forgotten the
// whole tenant, a Claim of the kind ClaimAll returns only the cursor that demands this.
type newStoreKey struct {
	storage.CursorStore
	done bool
}

func (s *newStoreKey) Claim(ctx context.Context, req *storage.ClaimRequest) (*storage.ClaimResult, error) {
	if req.Kind == storage.ClaimAll && !s.done {
		return &storage.ClaimResult{Claimed: []storage.Claimed{{Forget: true}}}, nil
	}
	return s.CursorStore.Claim(ctx, req)
}

func (s *newStoreKey) Advance(ctx context.Context, req *storage.AdvanceRequest) error {
	if req.Forgotten && req.Call.Conversation == "" {
		s.done = true
		return nil
	}
	return s.CursorStore.Advance(ctx, req)
}

// TestFollower_step_forgetsAllFirst checks that a memory follows the conversations right after it has
// forgotten the whole tenant, and not before.
func TestFollower_step_forgetsAllFirst(t *testing.T) {
	b := newBench(t)
	b.storage.say("a", "c", "one", storage.Succeeded, 0)
	cursors := &newStoreKey{CursorStore: b.storage}
	f := New(Options{Holder: "h", Open: func(context.Context, string) (*Source, func(), error) {
		source := b.source("a")
		source.Cursors = cursors
		return source, func() {}, nil
	}})
	away := fault.New(fault.ProviderFailed, "away")
	b.memory.before = func(call sdk.Call) error {
		if call.Conversation == "" {
			return away
		}
		return nil
	}
	if _, err := f.step(t.Context(), "a"); !fault.Is(err, fault.ProviderFailed) || b.memory.calls > 0 {
		t.Errorf("%v after %d calls of Remember", err, b.memory.calls)
	}
	b.memory.before = nil
	b.follow(f, "a")
	b.want([]string{"one"})
}
