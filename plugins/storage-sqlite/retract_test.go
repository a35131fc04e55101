package sqlitestore

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestBegin_retractsNothing checks that a refused retraction leaves no trace.
func TestBegin_retractsNothing(t *testing.T) {
	s, c := clocked(t)
	refused := func(from int64) {
		t.Helper()
		req := &storage.BeginRequest{Call: call, Messages: hi, Holder: "h", Lease: time.Second, RetractFrom: from}
		_, err := s.Begin(t.Context(), req)
		if e := fault.Of(err); e == nil || e.Class != fault.Conflict || e.Path.String() != "retract_from" {
			t.Errorf("retracting from %d: %v", from, err)
		}
	}
	refused(1)
	if n, _, lives := leftovers(t, s); n+lives != 0 {
		t.Errorf("a refused Begin left %d conversations and %d incarnations", n, lives)
	}
	end(t, s, begin(t, s))
	end(t, s, begin(t, s, retracting(1)))
	refused(1)
	refused(3)
	begin(t, s)
	c.pass(time.Hour) // the lease of the running turn has ended
	refused(3)
	page, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 10, All: true})
	if err != nil || len(page.Turns) != 3 || page.Turns[2].State != storage.Running {
		t.Errorf("%+v, %v; want the running turn as it was", page, err)
	}
}

// TestCommit_retracted checks that a repeated Commit returns the number of a turn that was retracted
// since.
func TestCommit_retracted(t *testing.T) {
	s := openStore(t, t.TempDir())
	first := begin(t, s)
	end(t, s, first)
	end(t, s, begin(t, s, retracting(1)))
	if n := end(t, s, first); n != 1 {
		t.Errorf("the repeated commit returned %d", n)
	}
}

// TestRetractionsAfter_joined checks that retractions beyond the bound are joined with the last one.
func TestRetractionsAfter_joined(t *testing.T) {
	s := openStore(t, t.TempDir())
	all := make([]storage.Turn, sdk.MaxRetractions+10)
	for i := range all {
		n := int64(i + 1)
		all[i] = storage.Turn{Sequence: n, Number: n, State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.User, "hi")),
			StartedAt: time.Unix(1, 0), EndedAt: time.Unix(1, 0), RetractFrom: n - 1, Retracted: i < len(all)-1}
	}
	if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: all}); err != nil {
		t.Fatal(err)
	}
	res := begin(t, s, func(r *storage.BeginRequest) { r.CursorKey = "store" })
	got := res.Started.Retractions
	last := got[len(got)-1]
	if len(got) != sdk.MaxRetractions || last.Sequence != int64(len(all)) || last.To != int64(len(all)-1) || last.From != sdk.MaxRetractions {
		t.Errorf("%d retractions, the last of which is %+v", len(got), last)
	}
}

// TestRetract_writesNoMessages checks that a retraction does not write the messages of the turns again,
// because the writes of other tenants wait for it.
func TestRetract_writesNoMessages(t *testing.T) {
	s := openStore(t, t.TempDir())
	const turns, size = 24, 512 << 10
	large := storage.EncodeMessages(chat.Text(chat.User, strings.Repeat("x", size/2)))
	answer := storage.EncodeMessages(chat.Text(chat.Assistant, strings.Repeat("y", size/2)))
	imported := make([]storage.Turn, turns/2)
	for i := range imported {
		n := int64(i + 1)
		imported[i] = storage.Turn{Sequence: n, Number: n, State: storage.Succeeded, Messages: append(slices.Clone(large), answer...),
			StartedAt: time.Unix(1, 0), EndedAt: time.Unix(1, 0)}
	}
	if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: imported}); err != nil {
		t.Fatal(err)
	}
	for range turns / 2 {
		started := begin(t, s, func(r *storage.BeginRequest) { r.Messages = large })
		if _, err := s.Commit(t.Context(), &storage.CommitRequest{Call: call, Fence: started.Started.Fence, State: storage.Succeeded, Messages: answer}); err != nil {
			t.Fatal(err)
		}
	}
	err := s.writer.outside(t.Context(), func(w *session) error {
		_, err := w.get([]any{new(int), new(int), new(int)}, "PRAGMA wal_checkpoint(TRUNCATE)")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, retracting(1))
	log, err := os.Stat(s.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if log.Size() == 0 || log.Size() > turns*size/8 {
		t.Errorf("the retraction of %d turns of %d bytes wrote %d bytes", turns, size, log.Size())
	}
}

// TestBegin_retractsAtMost checks the bound of the turns that one Begin retracts.
//
// beyond: turns taken back at once
func TestBegin_retractsAtMost(t *testing.T) {
	s := openStore(t, t.TempDir())
	for next := int64(1); next <= sdk.MaxRetractTurns+1; {
		var turns []storage.Turn
		for ; next <= sdk.MaxRetractTurns+1 && len(turns) < 500; next++ {
			turns = append(turns, storage.Turn{Sequence: next, Number: next, State: storage.Succeeded, Messages: hi, StartedAt: time.Unix(1, 0), EndedAt: time.Unix(1, 0)})
		}
		if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: call, Turns: turns}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Begin(t.Context(), &storage.BeginRequest{Call: call, Messages: hi, Holder: "h", Lease: time.Second, RetractFrom: 1})
	if e := fault.Of(err); e == nil || e.Class != fault.Invalid || e.Path.String() != "retract_from" {
		t.Errorf("one turn too many: %v", err)
	}
	if res := begin(t, s, retracting(2)); res.Started == nil || res.Started.Sequence != sdk.MaxRetractTurns+2 {
		t.Errorf("%+v", res)
	}
}
