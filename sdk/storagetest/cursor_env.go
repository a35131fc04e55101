package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// follower is a host that follows the conversations of a tenant.
type follower struct {
	env    *Env
	call   sdk.Call // the tenant
	store  string
	holder string
	at     int // the index of the opened storage, for Env.any
}

// follower returns a host with a holder of its own that follows the conversations of the talk's
// tenant. All followers of a rule have the same store key.
func (t talk) follower() follower {
	return follower{env: t.env, call: t.tenant(), store: t.env.id("store"), holder: t.env.holder(), at: t.at}
}

func (f follower) via(i int) follower {
	f.at = i
	return f
}

func (f follower) storeKey(store string) follower {
	f.store = f.env.id(store)
	return f
}

func (f follower) cursors() (storage.CursorStore, error) {
	s, ok := f.env.any(f.at).(storage.CursorStore)
	if !ok {
		return nil, ErrSkip
	}
	return s, nil
}

// claim claims all of the tenant's cursors. set may change the request.
func (f follower) claim(ctx context.Context, set ...func(*storage.ClaimRequest)) (*storage.ClaimResult, error) {
	s, err := f.cursors()
	if err != nil {
		return nil, err
	}
	req := &storage.ClaimRequest{Call: f.call, StoreKey: f.store, Holder: f.holder, Lease: longLease, Limit: sdk.MaxClaims, Kind: storage.ClaimAll}
	for _, change := range set {
		change(req)
	}
	res, err := s.Claim(ctx, req)
	switch {
	case fault.Is(err, fault.Unsupported):
		return nil, ErrSkip
	case err != nil:
		return nil, fmt.Errorf("claim: %w", err)
	}
	if len(res.Claimed) > req.Limit {
		return nil, fmt.Errorf("claim of at most %d: got %d", req.Limit, len(res.Claimed))
	}
	return res, nil
}

func claimLimit(n int) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Limit = n }
}

func claimLease(d time.Duration) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Lease = d }
}

func claimKind(kind storage.ClaimKind) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Kind = kind }
}

func claimOf(t talk) func(*storage.ClaimRequest) {
	return func(r *storage.ClaimRequest) { r.Call.Conversation = t.call.Conversation }
}

// claims claims cursors and compares them with the wanted words, in any order except that those to
// be forgotten come first. Words are "c of ann at 3 (data)", "forget c", "forget ann in c", "forget
// all" and "work at 0". It returns what was claimed by those words.
func (f follower) claims(ctx context.Context, what string, wanted []string, set ...func(*storage.ClaimRequest)) (map[string]storage.Claimed, error) {
	res, err := f.claim(ctx, set...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	byWords, got := map[string]storage.Claimed{}, []string{}
	for i, c := range res.Claimed {
		if c.Forget && i > 0 && !res.Claimed[i-1].Forget {
			return nil, fmt.Errorf("%s: what must be forgotten comes after what is behind: %+v", what, res.Claimed)
		}
		words := f.env.cursorWords(c)
		byWords[words] = c
		got = append(got, words)
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if err := same(what, got, wanted); err != nil {
		return nil, err
	}
	if res.More {
		return nil, fmt.Errorf("%s: it says that more can be claimed; want no more", what)
	}
	return byWords, nil
}

// cursorWords returns words for a claimed cursor. They leave out the prefix of the rule's ids.
func (e *Env) cursorWords(c storage.Claimed) string {
	conversation, user := strings.TrimPrefix(c.Conversation, e.id("")), strings.TrimPrefix(c.User, e.id(""))
	data := ""
	if len(c.Data) > 0 {
		data = fmt.Sprintf(" (%s)", c.Data)
	}
	switch {
	case c.Forget && conversation == "" && user == "":
		return "forget all"
	case c.Forget && user == "":
		return "forget " + conversation
	case c.Forget:
		return "forget " + user + " in " + conversation
	case conversation == "":
		return fmt.Sprintf("work at %d%s", c.Sequence, data)
	}
	return fmt.Sprintf("%s of %s at %d%s", conversation, user, c.Sequence, data)
}

// advance moves the claimed cursor, and keeps the claim. set may change the request.
func (f follower) advance(ctx context.Context, c storage.Claimed, sequence int64, set ...func(*storage.AdvanceRequest)) error {
	s, err := f.cursors()
	if err != nil {
		return err
	}
	req := &storage.AdvanceRequest{Call: f.call, StoreKey: f.store, Holder: f.holder, Incarnation: c.Incarnation, Sequence: sequence, Lease: longLease}
	req.Call.Conversation = c.Conversation
	for _, change := range set {
		change(req)
	}
	return s.Advance(ctx, req)
}

// giveUp gives the claim up with the call of advance.
func giveUp(r *storage.AdvanceRequest) { r.Lease = 0 }

func cursorData(data string) func(*storage.AdvanceRequest) {
	return func(r *storage.AdvanceRequest) { r.Data = []byte(data) }
}

// forgotten says that what was claimed to be forgotten is forgotten. A repeat must change nothing.
func (f follower) forgotten(ctx context.Context, c storage.Claimed) error {
	gone := func(r *storage.AdvanceRequest) { r.Forgotten, r.User, r.Lease = true, c.User, 0 }
	if err := errors.Join(f.advance(ctx, c, 0, gone), f.advance(ctx, c, 0, gone)); err != nil {
		return fmt.Errorf("advance of what was forgotten, twice: %w", err)
	}
	return nil
}

// idle checks that nothing can be claimed now. held says whether others hold something.
func (f follower) idle(ctx context.Context, what string, held bool, set ...func(*storage.ClaimRequest)) error {
	res, err := f.claim(ctx, set...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if len(res.Claimed) > 0 || res.More || res.Held != held {
		return fmt.Errorf("%s: claimed %+v, more: %t, held: %t; want nothing, no more, held: %t", what, res.Claimed, res.More, res.Held, held)
	}
	return nil
}
