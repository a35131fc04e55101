package sqlitestore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// load imports conversations with the given number of failed turns each. An import is faster than
// calls of Begin and Commit.
func load(t *testing.T, s *Store, c sdk.Call, conversations, turns int) {
	t.Helper()
	all := make([]storage.Turn, turns)
	for n := range all {
		all[n] = storage.Turn{Sequence: int64(n + 1), State: storage.Failed, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")),
			StartedAt: time.Now(), EndedAt: time.Now()}
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	// The writer commits concurrent writes together.
	for range 32 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(conversations); i = next.Add(1) {
				c := c
				c.Conversation = fmt.Sprint("c", i)
				if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: c, Turns: all}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func leftovers(t *testing.T, s *Store) (conversations, turns, lives int) {
	t.Helper()
	err := s.read(t.Context(), func(tx *session) error {
		_, err := tx.get([]any{&conversations, &turns, &lives},
			"SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM turns), (SELECT count(*) FROM lives)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return conversations, turns, lives
}

// TestDelete_letsOthersWrite checks that turns of another tenant run during the deletion of a
// tenant.
func TestDelete_letsOthersWrite(t *testing.T) {
	s := openStore(t, t.TempDir())
	big := sdk.Call{Tenant: "big", User: "u"}
	const conversations, turns = 20, 250
	load(t, s, big, conversations, turns)
	var ran atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := oneTurn(t, s, call); err != nil {
				t.Error(err)
				return
			}
			ran.Add(1)
		}
	}()
	before := ran.Load()
	d, err := s.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "big"}, Tenant: true})
	during := ran.Load() - before
	close(stop)
	<-stopped
	if err != nil || d.Conversations != conversations || d.Turns != conversations*turns || d.More {
		t.Errorf("the deletion answered %+v, %v", d, err)
	}
	// The deletion took at least one transaction for each sweepStep turns. Other writes must have
	// run between these transactions.
	if steps := int64(conversations * turns / sweepStep); during < steps/10 {
		t.Errorf("in the %d steps of the deletion another tenant had %d turns", steps, during)
	}
	if n, _, lives := leftovers(t, s); n != 1 || lives != 1 {
		t.Errorf("%d conversations and %d lives are left; want the other tenant's", n, lives)
	}
}

// TestDelete_manyConversations checks that the first call of a deletion with a limit unlinks all
// conversations, even if they are more than unlinkStep.
func TestDelete_manyConversations(t *testing.T) {
	s := openStore(t, t.TempDir())
	user := sdk.Call{Tenant: "big", User: "u"}
	load(t, s, user, 2*unlinkStep+1, 1)
	d, err := s.Delete(t.Context(), storage.Scope{Call: user, Limit: 1})
	if err != nil || d.Turns != 1 || !d.More {
		t.Fatalf("the first step answered %+v, %v", d, err)
	}
	page, err := s.List(t.Context(), &storage.ListRequest{Call: user, Limit: 1})
	if err != nil || len(page.Conversations) > 0 {
		t.Errorf("%+v, %v is still in reach", page, err)
	}
}

// TestJanitor_finishesDeletion begins deletions and does not finish them. It checks that the
// janitor finishes each deletion that is older than abandonedAfter.
func TestJanitor_finishesDeletion(t *testing.T) {
	dir := t.TempDir()
	c := &clock{at: time.Now()}
	s := openWith(t, dir, c.now)
	tenant, named := sdk.Call{Tenant: "a"}, sdk.Call{Tenant: "b", Incarnation: "life"}
	user := sdk.Call{Tenant: "c", User: "u"}
	cut := func(scope storage.Scope) {
		t.Helper()
		load(t, s, scope.Call, 3, 10)
		scope.Limit = 2
		if d, err := s.Delete(t.Context(), scope); err != nil || d.Turns != 2 || !d.More {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	for _, scope := range []storage.Scope{{Call: tenant, Tenant: true}, {Call: named, Tenant: true}, {Call: user}} {
		cut(scope)
	}
	open := openWith(t, dir, c.now)
	if err := open.janitor.finishDeletions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, turns, _ := leftovers(t, open); n != 9 || turns != 3*28 {
		t.Errorf("%d conversations and %d turns are left; want 9 and 84, which their callers may come back for", n, turns)
	}
	c.pass(abandonedAfter + time.Second)
	// This deletion is newer than abandonedAfter, so that the janitor must not finish it.
	cut(storage.Scope{Call: sdk.Call{Tenant: "d"}, Tenant: true})
	open = openWith(t, dir, c.now) // opening the file starts a janitor
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		n, turns, lives := leftovers(t, open)
		// The conversations and turns of tenant d are left. So are three rows of incarnations:
		// those of tenants c and d, and the deleted incarnation of tenant b.
		if n == 3 && turns == 28 && lives == 3 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d conversations, %d turns and %d lives are left; want 3, 28 and 3", n, turns, lives)
		}
	}
}

// TestDelete_textIsNowhere checks that the files of the database contain no deleted message and no
// document of an erased history.
func TestDelete_textIsNowhere(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	const secret = "the-colour-of-the-safe"
	for _, text := range []string{secret, strings.Repeat(secret, 1000)} {
		end(t, s, begin(t, s, func(r *storage.BeginRequest) { r.Messages = storage.EncodeMessages(chat.Text(chat.User, text)) }))
	}
	put := &storage.PutTenantRequest{Tenant: "t", State: storage.TenantActive, Document: []byte(secret), Attempt: "1"}
	if _, err := s.PutTenant(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	found := func() (in []string) {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			// Another process must read the files, because closing them in this process would
			// release SQLite's locks on them.
			content, err := exec.Command("cat", filepath.Join(dir, f.Name())).Output()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(content, []byte(secret)) {
				in = append(in, f.Name())
			}
		}
		return in
	}
	if found() == nil {
		t.Fatal("the text is not found even before its deletion")
	}
	if _, err := s.Delete(t.Context(), storage.Scope{Call: call}); err != nil {
		t.Fatal(err)
	}
	put = &storage.PutTenantRequest{Tenant: "t", IfVersion: 1, State: storage.TenantPurged, Attempt: "2", EraseHistory: true}
	if _, err := s.PutTenant(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); found() != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the deleted text is still in %q", found())
		}
	}
}
