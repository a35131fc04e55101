package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// reference is a storage for tests that passes all rules. It has one lock, maps, and loops over all
// rows. With a flaw of flaws_test.go, it breaks the rules that the flaw names.
type reference struct {
	flaw string
	*data
}

// data is the content of a reference. It outlives the reference, and all peers of the reference
// share it.
type data struct {
	mu            sync.Mutex
	incarnations  int
	migrated      bool
	conversations map[string]*conversation // the keys are addresses, see reference.address
	leases        map[string]time.Time
	dead          map[string]bool   // incarnations of tenants that have ended
	keys          map[string][]*row // all turns with a key, also deleted turns; used by flaws only
	deleted       []*conversation   // unlinked conversations that still have rows
	roll          roll
	cursors       []*cursor
	storeKeys     map[string][]string // of a tenant that have cursors, in the order of their last claims
	lostKeys      map[string]bool     // tenants of which the cursors of a store key were dropped
}

type conversation struct {
	tenant, id, user string
	branch           *branching // nil unless the conversation is a branch
	address          string
	incarnation      int
	rows             []*row
	created, updated time.Time
}

type row struct {
	storage.Turn
	holder, attempt string
	digest          []byte
	begun           int // how many of the messages Begin brought
	overtaken       bool
	imported        bool
	retractedTo     int64  // the greatest number that the turn has retracted
	tenant, in      string // used by flaws only, as is the field lease
	lease           time.Time
	was             string // the key of the turn before the turn was emptied
}

func newReference(flaw string) *reference { return &reference{flaw: flaw, data: newData()} }

func newData() *data {
	return &data{
		conversations: map[string]*conversation{}, leases: map[string]time.Time{},
		dead: map[string]bool{}, keys: map[string][]*row{}, storeKeys: map[string][]string{}, lostKeys: map[string]bool{},
		roll: roll{versions: map[string][]storage.Registration{}, watches: map[*watcher]bool{}},
	}
}

// enter sleeps for a short time, as a call over a network does, and locks the data. In a synctest
// bubble, time only advances while all goroutines sleep. Without the sleep, a caller that repeats a
// busy call would stop the clock.
func (r *reference) enter() {
	time.Sleep(50 * time.Microsecond)
	r.mu.Lock()
}

func (r *reference) has(flaw string) bool { return r.flaw == flaw }

func (r *reference) tenant(call sdk.Call) string {
	if r.has("one-incarnation") {
		return call.Tenant
	}
	return call.Tenant + "\x00\x00" + call.Incarnation
}

func (r *reference) address(call sdk.Call) string {
	id := call.Conversation
	if r.has("trimmed-ids") {
		id = strings.TrimSpace(id)
	}
	return r.tenant(call) + "\x00\x00" + id
}

func (c *conversation) running() *row {
	for _, t := range slices.Backward(c.rows) {
		if t.State == storage.Running {
			return t
		}
	}
	return nil
}

func (c *conversation) succeeded() (n int64) {
	for _, t := range c.rows {
		if t.State == storage.Succeeded {
			n++
		}
	}
	return n
}

func (r *reference) fence(c *conversation, t *row) string {
	if r.has("fence-without-incarnation") {
		return fmt.Sprintf("%s/%s/%d/", c.tenant, c.id, t.Sequence)
	}
	return fmt.Sprintf("%d/%d/", c.incarnation, t.Sequence)
}

func (r *reference) Begin(_ context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	r.enter()
	defer r.mu.Unlock()
	if err := r.checkBegin(req); err != nil {
		return nil, err
	}
	now := time.Now()
	c := r.conversations[r.address(req.Call)]
	if !r.admits(c, req.Call, req.Owned && !r.has("begins-anybodys") && !(r.has("busy-before-owner") && c != nil && c.running() != nil)) {
		return nil, fault.New(fault.NotFound, "no such conversation")
	}
	if c == nil {
		if r.has("owners-race") && req.Owned {
			r.pause(time.Millisecond)
		}
		if r.dead[r.tenant(req.Call)] {
			return nil, fault.New(fault.Conflict, "this incarnation is over")
		}
		c = r.create(req.Call, now)
	}
	running := c.running()
	if running != nil && req.Attempt != "" && running.attempt == req.Attempt && !r.has("no-attempts") {
		return r.started(c, running, req), nil
	}
	if r.has("retracts-at-once") && c.liveRow(req.RetractFrom) != nil {
		r.retract(c, &row{Turn: storage.Turn{RetractFrom: req.RetractFrom}})
	}
	if res := r.answer(c, req, running, now); res != nil {
		return res, nil
	}
	if err := r.retractable(c, req.RetractFrom); err != nil {
		return nil, err
	}
	if running != nil && !r.leases[running.holder].After(now) {
		running.State, running.EndedAt, running.overtaken = storage.Interrupted, now, true
		if running.Reason = "deadline: the holder went away"; r.has("no-reason") {
			running.Reason = ""
		}
	}
	t := &row{tenant: c.tenant, in: c.id, holder: req.Holder, attempt: req.Attempt, digest: req.Digest, lease: now.Add(req.Lease), Turn: storage.Turn{
		Sequence: int64(len(c.rows)) + 1, RetractFrom: req.RetractFrom, State: storage.Running, User: req.Call.User,
		StartedAt: now, Metadata: req.Metadata, Key: req.Key,
	}}
	for _, m := range req.Messages {
		t.Messages = append(t.Messages, r.kept(m))
	}
	if r.has("first-message-only") {
		t.Messages = t.Messages[:1]
	}
	t.begun = len(t.Messages)
	r.conversations[r.address(req.Call)] = c
	if req.Key != "" {
		r.keys[req.Key] = append(r.keys[req.Key], t)
	}
	c.rows, c.updated = append(c.rows, t), now
	r.retract(c, t)
	r.extend(req.Holder, now.Add(req.Lease))
	if r.has("slow-growth") && len(c.rows) > 4800 || r.has("gaps-while-growing") {
		r.pause(min(time.Duration(len(c.rows)), 200) * 50 * time.Microsecond)
	}
	return r.started(c, t, req), nil
}

func (r *reference) create(call sdk.Call, now time.Time) *conversation {
	r.incarnations++
	return &conversation{tenant: r.tenant(call), id: call.Conversation, user: call.User, address: r.address(call), incarnation: r.incarnations, created: now}
}

// answer returns the result of a Begin that does not start a turn. It returns nil if the turn may
// start.
func (r *reference) answer(c *conversation, req *storage.BeginRequest, running *row, now time.Time) *storage.BeginResult {
	alive := running != nil && r.leases[running.holder].After(now) && !(r.has("races") && len(c.rows) > 20)
	for _, t := range slices.Backward(r.keyed(c, req)) {
		failed := t.State == storage.Failed || t.State == storage.Interrupted
		switch {
		case failed && r.has("forgets-failed-keys"), alive && t != running && r.has("busy-before-replay"):
			continue
		case !bytes.Equal(t.digest, req.Digest):
			return &storage.BeginResult{KeyReused: true}
		case t.State == storage.Succeeded, failed && r.has("replays-failures"):
			replay := t.Turn
			return &storage.BeginResult{Replay: &replay}
		}
		break
	}
	if !alive {
		return nil
	}
	if r.has("busy-leaves-turns") {
		c.rows = append(c.rows, &row{Turn: storage.Turn{Sequence: int64(len(c.rows)) + 1, State: storage.Failed}})
	}
	same := req.Key != "" && req.Key == running.Key && !r.has("no-same-key")
	return &storage.BeginResult{Busy: &storage.Busy{SameKey: same}}
}

// keyed returns the turns that have the request's key.
func (r *reference) keyed(c *conversation, req *storage.BeginRequest) (turns []*row) {
	if req.Key == "" || r.has("empty-digest-forgets") && req.Digest != nil && len(req.Digest) == 0 {
		return nil
	}
	for _, t := range r.keys[req.Key] {
		here, mine := t.in == c.id, t.tenant == c.tenant
		switch {
		case len(c.rows) > 0 || req.Call.Incarnation != "":
		case r.has("tenants-share-keys") && here && !mine,
			r.has("conversations-share-keys") && !here && mine,
			r.has("keys-outlive") && here && mine:
			return []*row{t}
		}
	}
	for _, t := range c.rows {
		if (t.Key == req.Key || t.was == req.Key && r.has("emptied-replay")) && (!t.imported || r.has("import-keys-replay")) {
			turns = append(turns, t)
		}
	}
	return turns
}

// kept returns the message as the reference stores it. Some flaws change the message.
func (r *reference) kept(stored storage.Message) storage.Message {
	if r.has("parses-bodies") {
		m, err := stored.Decode()
		if err == nil {
			m.Unknown = nil
			return storage.Message{Body: storage.EncodeMessage(m).Body}
		}
	}
	stored.Text = ""
	m, err := stored.Decode()
	if err != nil || len(m.Unknown) > 0 || !bytes.Equal(storage.EncodeMessage(m).Body, stored.Body) {
		return stored
	}
	m.Parts = slices.Clone(m.Parts)
	for i, p := range m.Parts {
		switch {
		case r.has("short-text"):
			m.Parts[i].Text = p.Text[:min(len(p.Text), 1<<16)]
		case r.has("trims-text"):
			m.Parts[i].Text = strings.TrimRight(p.Text, "\r\n")
		case r.has("drops-nul"):
			m.Parts[i].Text = strings.ReplaceAll(p.Text, "\x00", "")
		case r.has("drops-signatures") && p.Reasoning != nil:
			m.Parts[i].State = nil
		}
	}
	return storage.Message{Body: storage.EncodeMessage(m).Body}
}

func (r *reference) extend(holder string, until time.Time) {
	if until.After(r.leases[holder]) {
		r.leases[holder] = until
	}
}

// Check implements sdk.Checker.
func (r *reference) Check(ctx context.Context) error {
	r.enter()
	defer r.mu.Unlock()
	switch {
	case r.has("check-fails"):
		return fault.New(fault.PluginUnavailable, "the probe was not there")
	case r.has("check-hangs"):
		r.pause(time.Minute)
	case r.has("check-touches"):
		for _, c := range r.conversations {
			c.updated = time.Now()
		}
	}
	if err := ctx.Err(); err != nil {
		return fault.Of(err)
	}
	return nil
}

func (r *reference) Renew(_ context.Context, holders []string, lease time.Duration) error {
	r.enter()
	defer r.mu.Unlock()
	if err := storage.ValidateRenewal(holders, lease); err != nil && !r.has("any-renewal") {
		return err
	}
	if r.has("renews-one") {
		holders = holders[:1]
	}
	for _, holder := range holders {
		if !r.has("no-renewal") {
			r.extend(holder, time.Now().Add(lease))
		}
	}
	if r.has("renews-all") {
		for h := range r.leases {
			r.extend(h, time.Now().Add(lease))
		}
	}
	return nil
}
