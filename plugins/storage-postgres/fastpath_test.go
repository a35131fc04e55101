package pgstore

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// TestBeginFast_tail checks that the fast path and the database function return the same tail, for
// succeeded, failed and imported turns.
func TestBeginFast_tail(t *testing.T) {
	s := open(t, config(cluster(t).DSN(database(t))))
	c := call("t", "c")
	end := func(res *storage.BeginResult, state storage.State, replies int) {
		req := &storage.CommitRequest{Call: c, Fence: res.Started.Fence, State: state}
		for i := range replies {
			req.Messages = append(req.Messages, storage.EncodeMessage(chat.Text(chat.Assistant, fmt.Sprint("reply ", i, " of ", res.Started.Sequence))))
		}
		if _, err := s.Commit(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	tailed := func(known bool, most int) []string {
		if got := s.refs.Contains(keyOf(c)); !got {
			t.Fatal("the conversation is not known")
		}
		res := begin(t, s, c, func(r *storage.BeginRequest) {
			r.Tail, r.Messages = most, said("of no turn")
			if !known {
				r.Attempt = ""
			}
		})
		end(res, storage.Failed, 0)
		var texts []string
		for _, m := range messagesOf(res.Started.Tail) {
			texts = append(texts, textOf(m))
		}
		return texts
	}
	// An imported turn may have succeeded without a reply. No other turn may.
	alone := make([]storage.Turn, 8)
	for i := range alone {
		n := int64(i + 1)
		alone[i] = storage.Turn{Sequence: n, Number: n, State: storage.Succeeded, StartedAt: time.Now(), EndedAt: time.Now(),
			Messages: storage.EncodeMessages(chat.Text(chat.User, fmt.Sprint("alone ", n)))}
	}
	if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: c, Turns: alone}); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	const largest = 5 // messages of a turn
	for n := range 30 {
		res := begin(t, s, c, func(r *storage.BeginRequest) {
			r.Messages = said(fmt.Sprint("message ", n), fmt.Sprint("more of ", n))[:1+random.IntN(2)]
		})
		if state := []storage.State{storage.Failed, storage.Succeeded, storage.Succeeded}[random.IntN(3)]; state == storage.Failed {
			end(res, state, 0)
		} else {
			end(res, state, 1+random.IntN(3))
		}
		most := random.IntN(12)
		if short, whole := tailed(true, most), tailed(false, most); !slices.Equal(short, whole) || len(whole) > max(0, most-1+largest) {
			t.Fatalf("after %d turns the newest %d are %q; the function says %q", n+1, most, short, whole)
		}
	}
}

// TestBeginFast_staleCID checks that the fast path does not use an outdated database id. Another
// host has deleted the conversation and begun it again. The test also checks that the fast path
// returns busy while a turn of another host is running.
func TestBeginFast_staleCID(t *testing.T) {
	dsn := cluster(t).DSN(database(t))
	s, other := open(t, config(dsn)), open(t, config(dsn))
	c := call("t", "c")
	for range 3 {
		commit(t, s, c, begin(t, s, c))
	}
	running := begin(t, other, c)
	if res := begin(t, s, c); res.Busy == nil {
		t.Errorf("while another host's turn runs: %+v", res)
	}
	if n := commit(t, other, c, running); n != 4 {
		t.Errorf("it has number %d", n)
	}
	if res := begin(t, s, c); res.Started == nil || res.Started.Sequence != 5 || len(res.Started.Tail) != 4 {
		t.Fatalf("after it: %+v", res)
	} else {
		commit(t, s, c, res)
	}
	if _, err := other.Delete(t.Context(), storage.Scope{Call: sdk.Call{Tenant: "t", Conversation: "c"}}); err != nil {
		t.Fatal(err)
	}
	if commit(t, other, c, begin(t, other, c)); !s.refs.Contains(keyOf(c)) {
		t.Error("the deleted one is not known")
	}
	res := begin(t, s, c)
	if res.Started == nil || res.Started.Sequence != 2 || len(res.Started.Tail) != 1 {
		t.Fatalf("in the one that has its place: %+v", res)
	}
	if n := commit(t, s, c, res); n != 2 {
		t.Errorf("there its number is %d", n)
	}
}
