package storagetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// longLease is a lease that does not end while a rule runs.
const longLease = 10 * time.Minute

// Env gives a rule the opened storages and helper functions. It belongs to one run of one rule.
type Env struct {
	Storage storage.Storage
	Peers   []storage.Storage // the same storage, opened elsewhere
	Lease   time.Duration     // short enough to be waited out
	Short   bool

	rule, run string
	holders   atomic.Int64
	talks     []talk
	tenants   []string                                       // the tenants that the rule registered
	reopen    func(context.Context) (storage.Storage, error) // nil unless durable
}

// any returns one of the opened storages: the storage under test or a peer. i wraps around.
func (e *Env) any(i int) storage.Storage {
	if i %= 1 + len(e.Peers); i > 0 {
		return e.Peers[i-1]
	}
	return e.Storage
}

func newRun() string { return strings.ToLower(rand.Text()[:8]) }

// talk is one conversation, as seen through one of the opened storages.
type talk struct {
	env  *Env
	call sdk.Call
	at   int // index of an opened storage, see Env.any
}

func (t talk) storage() storage.Storage { return t.env.any(t.at) }

// via returns the conversation as seen through another of the opened storages.
func (t talk) via(i int) talk {
	t.at = i
	return t
}

// talk returns a conversation of the rule's own tenant.
func (e *Env) talk(id string) talk { return e.talkOf("", id) }

// talkOf returns a conversation of another tenant of the rule. Different rules never use the same
// id, so that a leak in one rule cannot make another fail.
func (e *Env) talkOf(tenant, id string) talk {
	t := talk{env: e, call: sdk.Call{
		Tenant:       fmt.Sprintf("kit-%s-%s%s", e.run, e.rule, tenant),
		Conversation: e.id(id),
		User:         e.id("user"),
	}}
	e.talks = append(e.talks, t)
	return t
}

// id returns a name that only this run of the rule uses.
func (e *Env) id(s string) string { return e.rule + "-" + e.run + "-" + s }

// tenant returns the call without conversation and user.
func (t talk) tenant() sdk.Call {
	return sdk.Call{Tenant: t.call.Tenant, Incarnation: t.call.Incarnation}
}

// user returns the call without conversation.
func (t talk) user() sdk.Call {
	call := t.tenant()
	call.User = t.call.User
	return call
}

func (t talk) as(user string) talk {
	t.call.User = user
	return t
}

// holder returns a new name for a holder.
func (e *Env) holder() string { return e.id(fmt.Sprintf("host-%d", e.holders.Add(1))) }

// wait waits until a lease of Env.Lease has ended.
func (e *Env) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(e.Lease + e.Lease/4):
		return nil
	}
}

// clean deletes the tenants that the rule wrote to, also when it failed.
func (e *Env) clean() error {
	ctx, cancel := context.WithTimeout(context.Background(), ruleTimeout)
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

// begin calls Begin with a holder and an attempt of its own and a long lease. set may change the
// request.
func (t talk) begin(ctx context.Context, text string, set ...func(*storage.BeginRequest)) (*storage.BeginResult, error) {
	req := &storage.BeginRequest{
		Call: t.call, Message: chat.Text(chat.User, text),
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

// start calls begin, and returns an error if no turn starts.
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

// end commits with the reply "re: "+text if the turn succeeds, else without messages.
func (t talk) end(ctx context.Context, fence string, state storage.State, text string) (int64, error) {
	req := &storage.CommitRequest{Call: t.call, Fence: fence, State: state}
	if state == storage.Succeeded {
		req.Messages = []chat.Message{reply(text)}
	} else {
		req.Reason = fault.ProviderFailed.String() + ": the upstream went away"
	}
	return t.storage().Commit(ctx, req)
}

func reply(text string) chat.Message { return chat.Text(chat.Assistant, "re: "+text) }

// turn runs a whole turn that succeeds, and returns the result of its Begin.
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

// log reads the conversation from its start.
func (t talk) log(ctx context.Context, all bool) ([]storage.Turn, error) {
	page, err := t.storage().Read(ctx, &storage.ReadRequest{Call: t.call, Limit: storage.MaxPage, All: all})
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", t.call.Conversation, err)
	}
	return page.Turns, nil
}
