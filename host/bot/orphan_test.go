package bot

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// lastingStorage can be used later, until it is closed.
type lastingStorage struct {
	*logStorage
	ctx     context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	full    bool
}

func newLasting(s *logStorage) *lastingStorage {
	l := &lastingStorage{logStorage: s}
	l.ctx, l.end = context.WithCancel(context.Background())
	return l
}

func (l *lastingStorage) Later(f func(context.Context, storage.Storage)) bool {
	if l.full {
		return false
	}
	l.running.Go(func() { f(l.ctx, l.logStorage) })
	return true
}

func (l *lastingStorage) close() {
	l.end()
	l.running.Wait()
}

// counts answers how many calls there were.
func (l *lastingStorage) counts() (begins, commits int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.begins), len(l.commits)
}

// away are n answers that do not arrive.
func away(n int) []error {
	var out []error
	for range n {
		out = append(out, fault.New(fault.PluginUnavailable, "went away"))
	}
	return out
}

const often = 1000 // more than it is tried in any test

var hi = Request{ConversationID: "c", Message: "hi"}

func TestATurnThatBeganUnheardIsEndedWhenTheStorageAnswers(t *testing.T) {
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
		if c.State != storage.Interrupted || c.Fence != "f:"+attempt || c.Call.Tenant != "acme" || c.Call.Conversation != "c" ||
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

func TestAnAnswerEndsALeftover(t *testing.T) {
	for name, answer := range map[string]func(*logStorage){
		"busy":          func(s *logStorage) { s.running = "another" },
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

// settled waits until nothing runs, and says that it took one Begin and no Commit.
func (l *lastingStorage) settled(t *testing.T, before int) {
	t.Helper()
	l.running.Wait()
	if begins, commits := l.counts(); begins != before+1 || commits != 0 {
		t.Errorf("%d more begins, %d commits; want one and none", begins-before, commits)
	}
}

// What was tried in vain before an answer that decides nothing may have begun.
func TestALeftoverOfATurnThatWasRefusedInTheEnd(t *testing.T) {
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

func TestAnUnheardCommitIsALeftover(t *testing.T) {
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
				if last.State != c.want || last.Reason == "" || len(s.begins) != 1 || s.logStorage.running != "" {
					t.Errorf("%+v after %d begins", last, len(s.begins))
				}
				if n := len(s.log); n != 0 {
					t.Errorf("what was not acknowledged is in the log: %d messages", n)
				}
			})
		})
	}
}

func TestALeftoverEndsWithTheHost(t *testing.T) {
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

// Where there is no way to go on, the turn fails as it does, and nothing more.
func TestWithoutLater(t *testing.T) {
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
