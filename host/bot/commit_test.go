package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

func TestCommit_keepsAFailedTurnWithItsReason(t *testing.T) {
	s := &logStorage{}
	m := &scriptLLM{words: []string{"par"}, err: fault.New(fault.ProviderFailed, "upstream broke").Upstream(500)}
	_, err := newTestBot(s, m).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	wantClass(t, err, fault.ProviderFailed)
	c := s.last(t)
	if c.State != storage.Failed || c.Reason != "provider_failed: upstream broke" || usageOf(c.Usage).OutputTokens != 1 || texts(decoded(c.Messages...)) != "assistant:par|" {
		t.Errorf("commit %+v", c)
	}
	if s.succeeded(t) != 0 {
		t.Errorf("a failed turn joined the log: %v", s.turns(t))
	}
}

func TestCommit_repeatsAnUncertainCall(t *testing.T) {
	s := &logStorage{lost: map[string][]error{"commit": {fault.New(fault.Deadline, "late"), fault.New(fault.PluginUnavailable, "gone")}}}
	r, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
	if err != nil || r.Turn != 1 {
		t.Fatal(r, err)
	}
	if len(s.commits) != 3 {
		t.Errorf("%d commits; want 3", len(s.commits))
	}
}

func TestCommit_refusedIsNotAcknowledged(t *testing.T) {
	for _, stale := range []*fault.Error{fault.New(fault.Conflict, "stale fence"), fault.New(fault.NotFound, "no conversation"), fault.New(fault.Internal, "disk")} {
		t.Run(stale.Class.String(), func(t *testing.T) {
			s := &logStorage{faults: map[string][]error{"commit": {stale, stale}}}
			_, err := newTestBot(s, &scriptLLM{words: []string{"ok"}}).Chat(context.Background(), Request{ConversationID: "c", Message: "hi"}, nil)
			if err == nil || !strings.HasPrefix(err.Error(), "the reply was not kept") {
				t.Error(err)
			}
		})
	}
}

// classes returns all classes of package fault.
func classes(t *testing.T) (all []fault.Class) {
	t.Helper()
	for c := fault.Class(0); ; c++ {
		if _, known := fault.ParseClass(c.String()); !known {
			if len(all) < 15 {
				t.Fatalf("only %d classes", len(all))
			}
			return all
		}
		all = append(all, c)
	}
}

// pickyStorage is a storage whose Commit fails if refuse returns an error.
type pickyStorage struct {
	logStorage
	refuse func(*storage.CommitRequest) error
}

func (s *pickyStorage) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if err := s.refuse(req); err != nil {
		s.mu.Lock()
		s.commits = append(s.commits, req)
		s.mu.Unlock()
		return 0, err
	}
	return s.logStorage.Commit(ctx, req)
}

// TestCommit_refusedEndsAsFailed checks that the turn ends in the storage, whichever error the
// storage returns for its Commit. It also checks that the error does not blame the caller.
func TestCommit_refusedEndsAsFailed(t *testing.T) {
	succeeds, fails := says(&llm.Finish{}, nil, llm.Text("ok")), says(nil, fault.New(fault.ContentFiltered, "no"), llm.Text("ok"))
	for _, class := range classes(t) {
		for what, refuses := range map[string]func(*storage.CommitRequest) bool{
			"the reply":  func(r *storage.CommitRequest) bool { return len(r.Messages) > 0 },
			"the record": func(r *storage.CommitRequest) bool { return len(r.Record) > 0 },
		} {
			for how, m := range map[string]funcLLM{"succeeded": succeeds, "failed": fails} {
				t.Run(fmt.Sprintf("%s of %s of a turn that %s", class, what, how), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testRefusedCommit(t, class, refuses, m) })
				})
			}
		}
	}
}

// testRefusedCommit runs a turn with the model m on a storage that refuses Commits with the
// class, and checks how the turn ends.
func testRefusedCommit(t *testing.T, class fault.Class, refuses func(*storage.CommitRequest) bool, m funcLLM) {
	refusal := fault.New(class, "")
	s := &pickyStorage{refuse: func(r *storage.CommitRequest) error {
		if refuses(r) {
			return fault.New(class, "secret of %q", r.Reason).At("messages").From(fault.OriginStorage)
		}
		return nil
	}}
	both, background := lasts(s, &s.logStorage)
	defer background.close()
	_, err := newTestBot(both, m).Chat(context.Background(), hi, nil)
	if err == nil {
		t.Fatal("the turn succeeded")
	}
	e := fault.Of(err)
	failed := e.Class == fault.ContentFiltered
	switch {
	case failed: // the error with which the model failed
	case e.Class == fault.Conflict: // the caller may try again
		if !isOver(refusal) {
			t.Error(err)
		}
	case e.Party == fault.PartyCaller || e.Path.String() != "" || e.Class == fault.Invalid || e.Class == fault.NotFound:
		t.Errorf("%s by %s at %q: %v", e.Class, e.Party, e.Path, err)
	case strings.Contains(e.ForCallers(), "secret"):
		t.Error(err)
	}
	if isOver(refusal) { // by this class the storage says that the turn has ended
		return
	}
	if isUncertain(refusal) { // this storage never accepts the request
		return
	}
	if s.isRunning(t) {
		t.Error("the conversation is not free at once")
	}
	last := s.last(t)
	prefix := "internal: the storage refused the turn as it was: "
	if failed && class != fault.Internal {
		prefix = "content_filtered: the storage refused the turn as it was: "
	}
	if last.State != storage.Failed || failed != strings.HasPrefix(last.Reason, "content_filtered") ||
		!failed && last.Reason != prefix+class.String() || len(last.Messages) != 0 {
		t.Errorf("ended by %+v", last)
	}
	if _, err := newTestBot(&s.logStorage, says(&llm.Finish{}, nil, llm.Text("ok"))).Chat(context.Background(), hi, nil); err != nil {
		t.Errorf("the next turn: %v", err)
	}
}

// TestCommit_alwaysRefusedIsLeftToItsLease checks that a turn whose storage refuses every
// Commit is committed three times, and that its lease is not renewed afterwards.
func TestCommit_alwaysRefusedIsLeftToItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pickyStorage{refuse: func(*storage.CommitRequest) error { return fault.New(fault.Invalid, "no") }}
		leases := NewLeases(hclog.NewNullLogger())
		defer leases.Close()
		r := &logRenewer{}
		hold := func(p *Parts) { p.Hold = func(h string) func() { return leases.Hold("i", r, h) } }
		b := newTestBot(s, says(&llm.Finish{}, nil, llm.Text("ok")), hold)
		_, err := b.Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.Internal)
		if n := len(s.commits); n != 3 {
			t.Errorf("%d commits", n)
		}
		// A turn in another conversation of the same host runs for a minute.
		other := &logStorage{}
		slow := &scriptLLM{block: make(chan struct{})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = newTestBot(other, slow, hold, func(p *Parts) {
				p.Limits.TurnTimeout, p.Limits.FirstTokenTimeout = time.Hour, time.Hour
			}).Chat(context.Background(), hi, nil)
		}()
		time.Sleep(time.Minute)
		close(slow.block)
		<-done
		calls := r.took()
		if len(calls) < 19 {
			t.Errorf("%d renewals in a minute", len(calls))
		}
		for _, holders := range calls {
			if len(holders) != 1 || holders[0] != other.begins[0].Holder {
				t.Fatalf("renewed %q, and at work is %q", holders, other.begins[0].Holder)
			}
		}
		if other.begins[0].Holder == s.begins[0].Holder {
			t.Error("both turns have one lease")
		}
	})
}

// TestCommit_takenInSpiteOfAnError checks that a Commit is repeated if its error does not say
// whether it had its effect.
func TestCommit_takenInSpiteOfAnError(t *testing.T) {
	for _, class := range []fault.Class{fault.Internal, fault.Canceled} {
		t.Run(class.String(), func(t *testing.T) {
			s := &logStorage{lost: map[string][]error{"commit": {fault.New(class, "something broke on the way")}}}
			r, err := newTestBot(s, says(&llm.Finish{}, nil, llm.Text("ok"))).Chat(context.Background(), hi, nil)
			if err != nil || r.Turn != 1 || len(s.commits) != 2 || s.commits[1].State != storage.Succeeded {
				t.Errorf("%+v, %v after %d commits", r, err, len(s.commits))
			}
		})
	}
}

// zeroStorage is a storage whose Commit succeeds but returns 0 as the turn's number.
type zeroStorage struct{ logStorage }

func (s *zeroStorage) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	_, err := s.logStorage.Commit(ctx, req)
	return 0, err
}

func TestCommit_withoutANumber(t *testing.T) {
	s := &zeroStorage{}
	_, err := newTestBot(s, says(&llm.Finish{}, nil, llm.Text("ok"))).Chat(context.Background(), hi, nil)
	if e := wantClass(t, err, fault.Internal); e.Party != fault.PartyPlugin {
		t.Errorf("by %s", e.Party)
	}
}
