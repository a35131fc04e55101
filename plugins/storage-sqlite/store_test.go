package sqlitestore

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// clock is a clock that tests move by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// openStore opens the file in dir. The cleanup of the test closes the Store.
func openStore(t testing.TB, dir string) *Store {
	t.Helper()
	return openWith(t, dir, time.Now)
}

func openWith(t testing.TB, dir string, now func() time.Time) *Store {
	t.Helper()
	known, err := readMigrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(Config{Path: "botyard.db"}, sdk.Env{DataDir: dir}, known, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func clocked(t *testing.T) (*Store, *clock) {
	c := &clock{at: time.Date(2026, 1, 2, 23, 59, 59, 0, time.UTC)}
	return openWith(t, t.TempDir(), c.now), c
}

var call = sdk.Call{Tenant: "t", Conversation: "c", User: "u"}

// hi has the messages of a Begin.
var hi = storage.EncodeMessages(chat.Text(chat.User, "hi"))

func begin(t testing.TB, s storage.Storage, set ...func(*storage.BeginRequest)) *storage.BeginResult {
	t.Helper()
	req := &storage.BeginRequest{Call: call, Messages: hi, Holder: "h", Lease: 10 * time.Second, Tail: 10}
	for _, f := range set {
		f(req)
	}
	res, err := s.Begin(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func end(t testing.TB, s storage.Storage, res *storage.BeginResult) int64 {
	t.Helper()
	if res.Started == nil {
		t.Fatalf("not started: %+v", res)
	}
	n, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: res.Started.Fence,
		State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello"))})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// turnsOf runs one turn in the conversation for each of the users.
func turnsOf(t testing.TB, s storage.Storage, conversation string, users ...string) {
	t.Helper()
	for _, user := range users {
		c := call
		c.Conversation, c.User = conversation, user
		res := begin(t, s, func(r *storage.BeginRequest) { r.Call = c })
		_, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
			State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "hello "+user))})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func keyed(k string) func(*storage.BeginRequest) {
	return func(r *storage.BeginRequest) { r.Key, r.Digest = k, []byte("digest of "+k) }
}

func TestBegin_keyExpires(t *testing.T) {
	s, c := clocked(t)
	end(t, s, begin(t, s, keyed("early")))
	c.pass(time.Hour)
	end(t, s, begin(t, s, keyed("late")))
	c.pass(storage.KeyTTL - time.Hour - 1)
	if begin(t, s, keyed("early")).Replay == nil {
		t.Error("a key of nearly 24 hours was forgotten")
	}
	c.pass(1)
	end(t, s, begin(t, s, keyed("early"))) // the key has expired, so that this Begin starts a new turn
	if begin(t, s, keyed("late")).Replay == nil {
		t.Error("a key of 23 hours was forgotten")
	}
	c.pass(storage.KeyTTL - 1)
	if begin(t, s, keyed("early")).Replay == nil {
		t.Error("the second use of a key does not live 24 hours")
	}
	c.pass(1)
	other := func(r *storage.BeginRequest) { r.Digest = []byte("another") }
	end(t, s, begin(t, s, keyed("early"), other))
}

func TestBegin_keyWithoutDigest(t *testing.T) {
	s, _ := clocked(t)
	bare := func(r *storage.BeginRequest) { r.Key = "k" }
	end(t, s, begin(t, s, bare))
	if begin(t, s, bare).Replay == nil {
		t.Error("a key without digest is not looked for")
	}
}

func TestBegin_leaseEnds(t *testing.T) {
	s, c := clocked(t)
	begin(t, s)
	other := func(r *storage.BeginRequest) { r.Holder = "other" }
	c.pass(10*time.Second - 1)
	if begin(t, s, other).Busy == nil {
		t.Error("the lease ended early")
	}
	if err := s.Renew(t.Context(), []string{"h"}, 3*time.Second); err != nil {
		t.Fatal(err)
	}
	c.pass(3*time.Second - 1)
	if begin(t, s, other).Busy == nil {
		t.Error("the renewed lease ended early")
	}
	if err := s.Renew(t.Context(), []string{"h"}, time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	c.pass(1)
	if begin(t, s, other).Started == nil {
		t.Error("the lease did not end")
	}
}

func TestRenew_revivesLease(t *testing.T) {
	s, c := clocked(t)
	begin(t, s)
	c.pass(2 * time.Hour)
	// This renewal deletes the expired holder h.
	if err := s.Renew(t.Context(), []string{"other"}, time.Second); err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(t.Context(), []string{"h"}, time.Second); err != nil {
		t.Fatal(err)
	}
	if begin(t, s, func(r *storage.BeginRequest) { r.Holder = "other" }).Busy == nil {
		t.Error("a lease that nobody took over was not given back")
	}
}

// TestRenew_removesExpired checks that Renew deletes expired holders. Otherwise their rows would
// accumulate, since nearly every turn has its own holder.
func TestRenew_removesExpired(t *testing.T) {
	s, c := clocked(t)
	for i := range 20 {
		c.pass(time.Second)
		if err := s.Renew(t.Context(), []string{fmt.Sprint("a", i), fmt.Sprint("b", i)}, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	var left int64
	if err := s.read(t.Context(), func(tx *session) error {
		_, err := tx.get([]any{&left}, "SELECT count(*) FROM holders")
		return err
	}); err != nil || left != 10 {
		t.Errorf("%d holders are kept, %v; want the 10 of the last 5 seconds", left, err)
	}
}

func TestBegin_endlessLease(t *testing.T) {
	s, c := clocked(t)
	begin(t, s, func(r *storage.BeginRequest) { r.Lease = math.MaxInt64 })
	if err := s.Renew(t.Context(), []string{"other"}, math.MaxInt64); err != nil {
		t.Fatal(err)
	}
	c.pass(1000 * time.Hour)
	if begin(t, s).Busy == nil {
		t.Error("the longest lease ran over and ended")
	}
}

func TestStore_canceledCalls(t *testing.T) {
	s := openStore(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Begin(ctx, &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: hi}); !fault.Is(err, fault.Canceled) {
		t.Errorf("begin: %v", err)
	}
	if _, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 1}); !fault.Is(err, fault.NotFound) {
		t.Errorf("a canceled begin left something: %v", err)
	}
	if _, err := s.Read(ctx, &storage.ReadRequest{Call: call, Limit: 1}); !fault.Is(err, fault.Canceled) {
		t.Errorf("read: %v", err)
	}
}

func TestOpen_twoFiles(t *testing.T) {
	a, b := openStore(t, t.TempDir()), openStore(t, t.TempDir())
	held := begin(t, a)
	if begin(t, b).Started.Sequence != 1 {
		t.Error("the second file knows of the first")
	}
	_, err := b.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: held.Started.Fence, State: storage.Failed})
	if !fault.Is(err, fault.Conflict) {
		t.Errorf("a fence of another file: %v", err)
	}
}

// TestRead_pageBytes checks that Read returns pages of large turns that fit into a gRPC message.
func TestRead_pageBytes(t *testing.T) {
	s := openStore(t, t.TempDir())
	const turns = 7
	for range turns {
		end(t, s, begin(t, s, func(r *storage.BeginRequest) {
			r.Tail, r.Messages = 0, storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", 3<<20)))
		}))
	}
	read := 0
	for after, more := int64(0), true; more; {
		page, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: storage.MaxPage, After: after})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Turns) == 0 || len(page.Turns) > 6 {
			t.Fatalf("a page of %d turns of 3 MiB", len(page.Turns))
		}
		read += len(page.Turns)
		after, more = page.Turns[len(page.Turns)-1].Sequence, page.More
	}
	if read != turns {
		t.Errorf("%d turns were read; want %d", read, turns)
	}
}

// TestStore_unstorableText checks that Begin and Commit return fault.Invalid for text that SQLite
// cannot store, and that the running turn can still be committed.
func TestStore_unstorableText(t *testing.T) {
	s := openStore(t, t.TempDir())
	for what, text := range map[string]string{"NUL": "a\x00b", "not UTF-8": "a\xff"} {
		t.Run("begin with "+what, func(t *testing.T) {
			_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: []storage.Message{{Text: text}}})
			if e := fault.Of(err); e == nil || e.Class != fault.Invalid || e.Path.String() != "messages.text" {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	res := begin(t, s)
	for what, text := range map[string]string{"NUL": "a\x00b", "not UTF-8": "a\xff"} {
		t.Run("commit with "+what, func(t *testing.T) {
			_, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: res.Started.Fence, State: storage.Succeeded,
				Messages: []storage.Message{{Text: text}}})
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("reply with %s: %v", what, err)
			}
		})
	}
	if n := end(t, s, res); n != 1 {
		t.Errorf("the turn became number %d", n)
	}
	if _, err := resolvePath(filepath.Join("a\x00b.db"), "/x"); !fault.Is(err, fault.Invalid) {
		t.Errorf("path: %v", err)
	}
}

func env(dir string) sdk.Env { return sdk.Env{DataDir: dir} }

// messagesOf returns the messages of the turns, in order.
func messagesOf(turns []storage.Turn) (all []storage.Message) {
	for _, t := range turns {
		all = append(all, t.Messages...)
	}
	return all
}

// textOf returns the text of a stored message.
func textOf(m storage.Message) string {
	decoded, err := m.Decode()
	if err != nil {
		return err.Error()
	}
	return decoded.Text()
}
