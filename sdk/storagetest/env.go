package storagetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/feature"
	"github.com/botyard/botyard/sdk/internal/conformance"
	"github.com/botyard/botyard/sdk/storage"
)

// longLease is a lease that outlasts every rule.
const longLease = 10 * time.Minute

// Env gives a rule the opened storages and helper functions. Each run of a rule has its own Env.
type Env struct {
	Storage storage.Storage
	Peers   []storage.Storage // the same storage, opened several times
	Lease   time.Duration     // a lease so short that a rule can wait for its end
	Short   bool

	features  []string // features that were declared
	rule, run string
	holders   atomic.Int64
	talks     []talk
	tenants   []string                                       // ids of the tenants that the rule registered
	reopen    func(context.Context) (storage.Storage, error) // nil if the storage is not durable
}

// any returns one of the opened storages: the storage under test or a peer. Every i is valid,
// because it counts modulo the number of opened storages.
func (e *Env) any(i int) storage.Storage {
	if i %= 1 + len(e.Peers); i > 0 {
		return e.Peers[i-1]
	}
	return e.Storage
}

func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// talk is a conversation, together with the opened storage that calls use.
type talk struct {
	env  *Env
	call sdk.Call
	at   int // the index of the opened storage, for Env.any
}

func (t talk) storage() storage.Storage { return t.env.any(t.at) }

// via returns the conversation with opened storage i.
func (t talk) via(i int) talk {
	t.at = i
	return t
}

// talk returns a conversation of the rule's first tenant.
func (e *Env) talk(id string) talk { return e.talkOf("", id) }

// talkOf returns a conversation of another tenant of the rule. Two rules never use the same id, so
// that a leak in one rule cannot fail another rule.
func (e *Env) talkOf(tenant, id string) talk {
	t := talk{env: e, call: sdk.Call{
		Tenant:       fmt.Sprintf("kit-%s-%s%s", e.run, e.rule, tenant),
		Conversation: e.id(id),
		User:         e.id("user"),
	}}
	e.talks = append(e.talks, t)
	return t
}

// id returns s with a prefix that only this run of this rule uses.
func (e *Env) id(s string) string { return e.rule + "-" + e.run + "-" + s }

// tenant returns the conversation's call without conversation and user.
func (t talk) tenant() sdk.Call {
	return sdk.Call{Tenant: t.call.Tenant, Incarnation: t.call.Incarnation}
}

// user returns the conversation's call without the conversation.
func (t talk) user() sdk.Call {
	call := t.tenant()
	call.User = t.call.User
	return call
}

func (t talk) as(user string) talk {
	t.call.User = user
	return t
}

// holder returns a name that no other turn has used as its holder.
func (e *Env) holder() string { return e.id(fmt.Sprintf("host-%d", e.holders.Add(1))) }

// retracts reports whether the storage was declared to retract turns.
func (e *Env) retracts() bool { return slices.Contains(e.features, feature.Retract) }

// wait waits until a lease of length Env.Lease has ended.
func (e *Env) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(e.Lease + e.Lease/4):
		return nil
	}
}

// clean deletes the tenants of the rule. It also runs after a rule that failed.
func (e *Env) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), conformance.RuleTimeout)
	defer cancel()
	done := map[[2]string]bool{}
	for _, t := range e.talks {
		id := [2]string{t.call.Tenant, t.call.Incarnation}
		if done[id] {
			continue
		}
		done[id] = true
		if _, err := e.Storage.Delete(ctx, storage.Scope{Call: t.tenant(), Tenant: true}); err != nil {
			return fmt.Errorf("delete the rule's tenant: %w", err)
		}
	}
	return e.unregister(ctx)
}

// begin calls Begin with a new holder, a new attempt and a long lease. set may change the request.
func (t talk) begin(ctx context.Context, text string, set ...func(*storage.BeginRequest)) (*storage.BeginResult, error) {
	req := &storage.BeginRequest{
		Call: t.call, Messages: []storage.Message{said(text)},
		Holder: t.env.holder(), Lease: longLease, Attempt: rand.Text(),
	}
	for _, f := range set {
		f(req)
	}
	res, err := t.storage().Begin(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("begin %q: %w", text, err)
	}
	return res, nil
}

func tail(n int) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.Tail = n }
}

func lease(d time.Duration) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.Lease = d }
}

func key(key, digest string) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.Key, r.Digest = key, []byte(digest) }
}

// start calls begin and returns the started turn. It returns an error for any other outcome.
func (t talk) start(ctx context.Context, text string, set ...func(*storage.BeginRequest)) (*storage.Started, error) {
	res, err := t.begin(ctx, text, set...)
	if err != nil {
		return nil, err
	}
	if res.Started == nil {
		return nil, fmt.Errorf("begin %q answered %s; want it started", text, outcome(res))
	}
	return res.Started, nil
}

// end calls Commit. A succeeded turn gets the reply "re: " and text. Another turn gets no messages.
func (t talk) end(ctx context.Context, fence string, state storage.State, text string) (int64, error) {
	req := &storage.CommitRequest{Call: t.call, Fence: fence, State: state}
	if state == storage.Succeeded {
		req.Messages = []storage.Message{reply(text)}
	} else {
		req.Reason = fault.ProviderFailed.String() + ": the upstream went away"
	}
	return t.storage().Commit(ctx, req)
}

// turn runs a complete turn that succeeds, and returns what Begin returned.
func (t talk) turn(ctx context.Context, text string, set ...func(*storage.BeginRequest)) (*storage.Started, error) {
	s, err := t.start(ctx, text, set...)
	if err != nil {
		return nil, err
	}
	if _, err := t.end(ctx, s.Fence, storage.Succeeded, text); err != nil {
		return nil, fmt.Errorf("commit %q: %w", text, err)
	}
	return s, nil
}

// selection says which turns a rule reads.
type selection bool

const (
	everyTurn     selection = true
	succeededOnly selection = false
)

// log returns the selected turns of the conversation.
func (t talk) log(ctx context.Context, turns selection) ([]storage.Turn, error) {
	page, err := t.storage().Read(ctx, &storage.ReadRequest{Call: t.call, Limit: storage.MaxPage, All: bool(turns)})
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", t.call.Conversation, err)
	}
	return page.Turns, nil
}
