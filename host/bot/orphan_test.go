package bot

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// TestOrphanTurn_isGivenUp checks that the storage is not called any more after
// bounds.OrphanTimeout.
func TestOrphanTurn_isGivenUp(t *testing.T) {
	// beyond: orphan turn's time
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{lost: map[string][]error{"begin": away(10 * often)}})
		defer s.close()
		b := newTestBot(s, nil)
		_, err := b.Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.PluginUnavailable)
		time.Sleep(bounds.OrphanTimeout + time.Minute)
		n, _ := s.counts()
		time.Sleep(time.Hour)
		if m, _ := s.counts(); m != n || n == 0 {
			t.Errorf("%d tries, then %d", n, m-n)
		}
		s.running.Wait()
		if b.Orphans.all.turns != 0 {
			t.Errorf("it counts as %+v", b.Orphans.all)
		}
	})
}

// TestOrphanTurn_endsWithoutItsReplyAtTheCap checks that an orphan turn ends without its reply
// if the OrphanCap has no bytes left for the reply.
func TestOrphanTurn_endsWithoutItsReplyAtTheCap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{faults: map[string][]error{"commit": away(30)}})
		defer s.close()
		b := newTestBot(s, &scriptLLM{words: []string{strings.Repeat("word ", 1000)}})
		release, _ := b.Orphans.reserve("acme", bounds.MaxOrphanBytes-4000)
		if _, err := b.Chat(context.Background(), hi, nil); err == nil {
			t.Fatal("acknowledged")
		}
		s.running.Wait()
		if last := s.last(t); last.State != storage.Interrupted || len(last.Messages) != 0 || len(last.Record) == 0 {
			t.Errorf("%+v", last)
		}
		release()
		if b.Orphans.all.turns != 0 {
			t.Errorf("%+v", b.Orphans.all)
		}
	})
}

func TestOrphanTurn_endsWhenTheStorageAnswersBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{lost: map[string][]error{"begin": away(often)}})
		defer s.close()
		b := newTestBot(s, &scriptLLM{words: []string{"ok"}})
		_, err := b.Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.PluginUnavailable)
		s.mu.Lock()
		attempt := s.begins[0].Attempt
		s.mu.Unlock()

		time.Sleep(2 * time.Minute)
		n, commits := s.counts()
		time.Sleep(2 * time.Minute)
		if m, _ := s.counts(); m-n < 30 || m-n > 90 || commits != 0 {
			t.Errorf("%d tries in two minutes, %d commits before", m-n, commits)
		}
		s.mu.Lock()
		s.lost, s.faults = nil, map[string][]error{"commit": away(3)}
		s.mu.Unlock()
		time.Sleep(2 * time.Minute)
		c := s.last(t)
		if c.State != storage.Interrupted || c.Fence != s.fence || c.Call.Tenant != "acme" || c.Call.Conversation != "c" ||
			!strings.HasPrefix(c.Reason, "plugin_unavailable: the storage did not answer that the turn began") || len(c.Record) == 0 {
			t.Errorf("%+v", c)
		}
		n, commits = s.counts()
		if commits != 4 {
			t.Errorf("%d commits; want 3 without an answer and one", commits)
		}
		s.mu.Lock()
		for _, begin := range s.begins {
			if begin.Attempt != attempt {
				t.Errorf("the attempt changed to %s", begin.Attempt)
			}
		}
		s.mu.Unlock()
		if r, err := b.Chat(context.Background(), hi, nil); err != nil || r.Turn != 1 {
			t.Errorf("the conversation is not free: %+v %v", r, err)
		}
		time.Sleep(time.Hour)
		if m, _ := s.counts(); m != n+1 {
			t.Errorf("%d begins after it ended", m-n-1)
		}
	})
}

func TestOrphanTurn_isOverAfterOtherAnswers(t *testing.T) {
	for name, answer := range map[string]func(*logStorage){
		"busy":          (*logStorage).occupyLocked,
		"replay":        func(s *logStorage) { s.replay = &storage.Turn{} },
		"key reused":    func(s *logStorage) { s.reused = true },
		"refused":       func(s *logStorage) { s.faults["begin"] = []error{fault.New(fault.Invalid, "no")} },
		"deleted since": func(s *logStorage) { s.faults["begin"] = []error{fault.New(fault.Conflict, "no such life")} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLasting(&logStorage{faults: map[string][]error{"begin": away(often)}})
				defer s.close()
				if _, err := newTestBot(s, nil).Chat(context.Background(), hi, nil); err == nil {
					t.Fatal("it began")
				}
				s.mu.Lock()
				s.faults = map[string][]error{}
				answer(s.logStorage)
				n := len(s.begins)
				s.mu.Unlock()
				s.settled(t, n)
			})
		})
	}
}

// settled waits until no function runs in the background. Then it checks that these functions
// made one Begin and no Commit. before is the earlier number of Begins.
func (l *lastingStorage) settled(t *testing.T, before int) {
	t.Helper()
	l.running.Wait()
	if begins, commits := l.counts(); begins != before+1 || commits != 0 {
		t.Errorf("%d more begins, %d commits; want one and none", begins-before, commits)
	}
}

// TestOrphanTurn_ofABeginThatWasRefusedInTheEnd checks that a turn is ended in the background
// if its first Begin was not answered and the repeated Begin was refused. The first Begin may
// have started the turn.
func TestOrphanTurn_ofABeginThatWasRefusedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{
			lost:   map[string][]error{"begin": away(1)},
			faults: map[string][]error{"begin": {nil, fault.New(fault.RateLimited, "too many wait"), fault.New(fault.RateLimited, "still")}},
		})
		defer s.close()
		_, err := newTestBot(s, nil).Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.RateLimited)
		s.running.Wait()
		if c := s.last(t); c.State != storage.Interrupted {
			t.Errorf("%+v", c)
		}
	})
}

func TestOrphanTurn_ofAnUnansweredCommit(t *testing.T) {
	for name, c := range map[string]struct {
		m    *scriptLLM
		want storage.State
	}{
		"succeeded": {&scriptLLM{words: []string{"ok"}}, storage.Interrupted},
		"failed":    {&scriptLLM{err: fault.New(fault.ContentFiltered, "no")}, storage.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newLasting(&logStorage{faults: map[string][]error{"commit": away(30)}})
				defer s.close()
				if _, err := newTestBot(s, c.m).Chat(context.Background(), hi, nil); err == nil {
					t.Fatal("acknowledged")
				}
				s.running.Wait()
				last := s.last(t)
				if last.State != c.want || last.Reason == "" || len(s.begins) != 1 || s.isRunning(t) {
					t.Errorf("%+v after %d begins", last, len(s.begins))
				}
				if n := s.succeeded(t); n != 0 {
					t.Errorf("what was not acknowledged is in the log: %d turns", n)
				}
			})
		})
	}
}

func TestOrphanTurn_endsWithTheHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLasting(&logStorage{lost: map[string][]error{"begin": away(often)}})
		_, err := newTestBot(s, nil).Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.PluginUnavailable)
		time.Sleep(5 * time.Minute)
		before := time.Now()
		s.close()
		if waited := time.Since(before); waited != 0 {
			t.Errorf("the end of the host waited %s", waited)
		}
		if _, commits := s.counts(); commits != 0 {
			t.Error("committed")
		}
	})
}

// TestOrphanTurn_withoutBackground checks that the caller gets the same error if the storage
// cannot run functions in the background, or has too many of them.
func TestOrphanTurn_withoutBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := func() *logStorage { return &logStorage{lost: map[string][]error{"begin": away(often)}} }
		full := newLasting(away())
		full.full = true
		for _, s := range []storage.Storage{away(), full} {
			_, err := newTestBot(s, nil).Chat(context.Background(), hi, nil)
			wantClass(t, err, fault.PluginUnavailable)
		}
	})
}
