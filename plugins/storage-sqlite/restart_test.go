package sqlitestore

import (
	"fmt"
	"testing"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// TestStore_killedProcess starts a process that runs turns, and kills it, several times. It checks
// that the file has every turn that a process has reported as committed, exactly once.
func TestStore_killedProcess(t *testing.T) {
	dir := t.TempDir()
	said := map[string]int64{} // sequence of each turn; the key is the conversation and the turn's number
	rounds, lines := 5, 400
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		cmd, out := child(t, "write", dir)
		for range lines {
			if !out.Scan() {
				t.Fatal("the child ended early")
			}
			var id string
			var number, sequence int64
			if _, err := fmt.Sscan(out.Text(), &id, &number, &sequence); err != nil {
				t.Fatal(err)
			}
			turn := fmt.Sprint(id, " ", number)
			if _, twice := said[turn]; twice {
				t.Errorf("%s was committed twice", turn)
			}
			said[turn] = sequence
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for out.Scan() {
			var id string
			var number, sequence int64
			// The line is complete, and the process printed it before the kill.
			if n, _ := fmt.Sscan(out.Text(), &id, &number, &sequence); n == 3 {
				said[fmt.Sprint(id, " ", number)] = sequence
			}
		}
		_ = cmd.Wait()
	}
	s := openStore(t, dir)
	for i := range 16 {
		c := sdk.Call{Tenant: "t", Conversation: fmt.Sprintf("c%d", i)}
		number, after := int64(0), int64(0)
		for more := true; more; {
			page, err := s.Read(t.Context(), &storage.ReadRequest{Call: c, Limit: 100, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, turn := range page.Turns {
				number++
				key := fmt.Sprint(c.Conversation, " ", number)
				if turn.Number != number || len(turn.Messages) != 2 ||
					textOf(turn.Messages[1]) != fmt.Sprint("end of ", turn.Sequence) {
					t.Errorf("turn %d of %s: %+v", number, c.Conversation, turn)
				}
				if sequence, ok := said[key]; ok && sequence != turn.Sequence {
					t.Errorf("%s was said to be turn %d and is %d", key, sequence, turn.Sequence)
				}
				delete(said, key)
				after = turn.Sequence
			}
			more = page.More
		}
	}
	for turn, sequence := range said {
		t.Errorf("%s (%d), which was answered, is gone", turn, sequence)
	}
	var verdict string
	err := s.readers.do(t.Context(), func(r *session) error {
		_, err := r.get([]any{&verdict}, "PRAGMA integrity_check")
		return err
	})
	if err != nil || verdict != "ok" {
		t.Errorf("the file is %q, error %v", verdict, err)
	}
}

// TestStore_reopened checks that all kinds of data are in the file after a Store was closed and
// opened again.
func TestStore_reopened(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	end(t, s, begin(t, s, keyed("k")))
	running := begin(t, s)
	put := &storage.PutTenantRequest{Tenant: "t", State: storage.TenantActive, Document: []byte{0, 1}, Attempt: "a"}
	if _, err := s.PutTenant(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, dir)
	if begin(t, s, keyed("k")).Replay == nil {
		t.Error("the key is forgotten")
	}
	if begin(t, s).Busy == nil {
		t.Error("the lease is forgotten")
	}
	if n := end(t, s, running); n != 2 {
		t.Errorf("the running turn became number %d", n)
	}
	res := begin(t, s)
	want := []chat.Message{chat.Text(chat.User, "hi"), chat.Text(chat.Assistant, "hello")}
	if tail := messagesOf(res.Started.Tail); len(tail) != 4 || textOf(tail[2]) != want[0].Text() || textOf(tail[3]) != want[1].Text() {
		t.Errorf("the tail is %+v", tail)
	}
	found, err := s.GetTenants(t.Context(), []string{"t"})
	if err != nil || len(found) != 1 || string(found[0].Document) != "\x00\x01" {
		t.Errorf("the tenant is %+v, %v", found, err)
	}
}
