package storagekit_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/botyard/botyard/sdk/storagekit"
	"github.com/botyard/botyard/sdk/storagekit/memdb"
)

// imported imports turns with the numbers from 1 to n into the conversation of the call.
func imported(t *testing.T, s *storagekit.Store, call sdk.Call, n int64) {
	t.Helper()
	said := storage.EncodeMessages(chat.Text(chat.User, "hi"), chat.Text(chat.Assistant, "hello"))
	for next := int64(1); next <= n; {
		var turns []storage.Turn
		for ; next <= n && len(turns) < 100; next++ {
			turns = append(turns, storage.Turn{Sequence: next, Number: next, State: storage.Succeeded, Messages: said, StartedAt: time.Unix(1, 0), EndedAt: time.Unix(1, 0)})
		}
		if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: turns}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBegin_retractsAtMost checks the bound of the turns that one Begin retracts.
//
// beyond: turns taken back at once
func TestBegin_retractsAtMost(t *testing.T) {
	s := storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
	call := sdk.Call{Tenant: "t", Conversation: "c"}
	imported(t, s, call, sdk.MaxRetractTurns+1)
	req := &storage.BeginRequest{Call: call, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")), Holder: "h", Lease: time.Minute, RetractFrom: 1}
	if _, err := s.Begin(t.Context(), req); !fault.Is(err, fault.Invalid) || fault.Of(err).Path.String() != "retract_from" {
		t.Errorf("one turn too many: %v", err)
	}
	req.RetractFrom = 2
	if res, err := s.Begin(t.Context(), req); err != nil || res.Started == nil || res.Started.Sequence != sdk.MaxRetractTurns+2 {
		t.Errorf("%+v, %v", res, err)
	}
}

// TestClaim_dropsStoreKeys claims with more store keys than a tenant may have. The cursors of the least
// recently claimed one take more than one step.
//
// beyond: store keys of a tenant
func TestClaim_dropsStoreKeys(t *testing.T) {
	s := storagekit.New(memdb.New(memdb.Options{}), storagekit.Options{})
	tenant := sdk.Call{Tenant: "t"}
	const conversations = 1100
	for i := range conversations {
		imported(t, s, sdk.Call{Tenant: "t", Conversation: fmt.Sprint("c", i)}, 1)
	}
	// follows claims all conversations of the store key, and returns how many it must forget and how many
	// are behind.
	follows := func(key int) (forgets, behind int) {
		t.Helper()
		store := fmt.Sprint("key ", key)
		for {
			res, err := s.Claim(t.Context(), &storage.ClaimRequest{Call: tenant, StoreKey: store, Holder: "h", Lease: time.Minute, Limit: sdk.MaxClaims, Kind: storage.ClaimAll})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Claimed) == 0 {
				return forgets, behind
			}
			for _, c := range res.Claimed {
				of := tenant
				of.Conversation = c.Conversation
				if c.Forget {
					forgets++
				} else {
					behind++
				}
				if err := s.Advance(t.Context(), &storage.AdvanceRequest{Call: of, StoreKey: store, Holder: "h", Incarnation: c.Incarnation, Sequence: 1, Forgotten: c.Forget}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i := range sdk.MaxStoreKeys {
		if forgets, behind := follows(i); forgets != 0 || behind != conversations {
			t.Errorf("store key %d: %d to be forgotten, %d behind", i, forgets, behind)
		}
	}
	for _, i := range []int{sdk.MaxStoreKeys, 0} { // a new one, and the one that was dropped for it
		if forgets, behind := follows(i); forgets != 1 || behind != conversations {
			t.Errorf("store key %d: %d to be forgotten, %d behind", i, forgets, behind)
		}
	}
}
