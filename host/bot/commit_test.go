package bot

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/llm"
	"github.com/botyard/botyard/sdk/storage"
	"github.com/hashicorp/go-hclog"
)

// classes are all of package fault.
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

// pickyStorage refuses commits as it likes.
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

// Whatever a Commit is answered with, the turn ends, and the caller is never to blame.
func TestARefusedCommitEndsTheTurnAllTheSame(t *testing.T) {
	succeeds, fails := says(&llm.Finish{}, nil, llm.Delta{Text: "ok"}), says(nil, fault.New(fault.ContentFiltered, "no"), llm.Delta{Text: "ok"})
	for _, class := range classes(t) {
		for what, refuses := range map[string]func(*storage.CommitRequest) bool{
			"the reply":  func(r *storage.CommitRequest) bool { return len(r.Messages) > 0 },
			"the record": func(r *storage.CommitRequest) bool { return len(r.Record) > 0 },
		} {
			for _, m := range []funcLLM{succeeds, fails} {
				synctest.Test(t, func(t *testing.T) {
					s := &pickyStorage{refuse: func(r *storage.CommitRequest) error {
						if refuses(r) {
							return fault.New(class, "secret of %q", r.Reason).At("messages").From(fault.OriginStorage)
						}
						return nil
					}}
					lasting := newLasting(&s.logStorage)
					defer lasting.close()
					b := newTestBot(struct {
						storage.Storage
						*later
					}{s, &later{lasting, s}}, m)
					_, err := b.Chat(context.Background(), hi, nil)
					if err == nil {
						t.Fatalf("%s of %s: acknowledged", class, what)
					}
					e := fault.Of(err)
					failed := e.Class == fault.ContentFiltered
					switch {
					case failed: // the turn's own
					case e.Class == fault.Conflict: // a retry is welcome
						if !isOver(fault.New(class, "")) {
							t.Errorf("%s of %s: %v", class, what, err)
						}
					case e.Party == fault.PartyCaller || e.Path != "" || e.Class == fault.Invalid || e.Class == fault.NotFound:
						t.Errorf("%s of %s: %s by %s at %q: %v", class, what, e.Class, e.Party, e.Path, err)
					case strings.Contains(e.ForCallers(), "secret"):
						t.Errorf("%s of %s: %v", class, what, err)
					}
					if isOver(fault.New(class, "")) { // it says itself that the turn is gone
						return
					}
					if !isUncertain(fault.New(class, "")) && s.running != "" {
						t.Errorf("%s of %s: the conversation is not free at once", class, what)
					}
					if isUncertain(fault.New(class, "")) {
						return // a storage that never answers
					}
					last := s.last(t)
					prefix := "internal: the storage refused the turn as it was: "
					if failed && class != fault.Internal {
						prefix = "content_filtered: the storage refused the turn as it was: "
					}
					if last.State != storage.Failed || failed != strings.HasPrefix(last.Reason, "content_filtered") ||
						!failed && last.Reason != prefix+class.String() || len(last.Messages) != 0 {
						t.Errorf("%s of %s: ended by %+v", class, what, last)
					}
					if _, err := newTestBot(&s.logStorage, succeeds).Chat(context.Background(), hi, nil); err != nil {
						t.Errorf("%s of %s: the next turn: %v", class, what, err)
					}
				})
			}
		}
	}
}

// later runs on s what is left.
type later struct {
	*lastingStorage
	s storage.Storage
}

func (l *later) Later(f func(context.Context, storage.Storage)) bool {
	l.running.Go(func() { f(l.ctx, l.s) })
	return true
}

// A storage that takes no end at all is asked a few times, and no lease of the turn is
// renewed after.
func TestATurnThatCannotBeEndedIsLeftToItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &pickyStorage{refuse: func(*storage.CommitRequest) error { return fault.New(fault.Invalid, "no") }}
		leases := NewLeases(hclog.NewNullLogger())
		defer leases.Close()
		r := &logRenewer{}
		hold := func(p *Parts) { p.Hold = func(h string) func() { return leases.Hold("i", r, h) } }
		b := newTestBot(s, says(&llm.Finish{}, nil, llm.Delta{Text: "ok"}), hold)
		_, err := b.Chat(context.Background(), hi, nil)
		wantClass(t, err, fault.Internal)
		if n := len(s.commits); n != 3 {
			t.Errorf("%d commits", n)
		}
		// Another conversation of the same host goes on for long.
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

// A commit whose answer says nothing of its effect is made again before the turn is
// given up: it may have been taken.
func TestACommitThatWasTakenInSpiteOfAnError(t *testing.T) {
	for _, class := range []fault.Class{fault.Internal, fault.Canceled} {
		s := &logStorage{lost: map[string][]error{"commit": {fault.New(class, "something broke on the way")}}}
		r, err := newTestBot(s, says(&llm.Finish{}, nil, llm.Delta{Text: "ok"})).Chat(context.Background(), hi, nil)
		if err != nil || r.Turn != 1 || len(s.commits) != 2 || s.commits[1].State != storage.Succeeded {
			t.Errorf("%s: %+v, %v after %d commits", class, r, err, len(s.commits))
		}
	}
}

// zeroStorage keeps everything and counts nothing.
type zeroStorage struct{ logStorage }

func (s *zeroStorage) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	_, err := s.logStorage.Commit(ctx, req)
	return 0, err
}

func TestASucceededTurnHasANumber(t *testing.T) {
	s := &zeroStorage{}
	_, err := newTestBot(s, says(&llm.Finish{}, nil, llm.Delta{Text: "ok"})).Chat(context.Background(), hi, nil)
	if e := wantClass(t, err, fault.Internal); e.Party != fault.PartyPlugin {
		t.Errorf("by %s", e.Party)
	}
}

// badStorage answers Begin as it likes, after the turn has begun.
type badStorage struct {
	logStorage
	answer func(*storage.BeginResult) (*storage.BeginResult, error)
	mended atomic.Bool
}

func (s *badStorage) Begin(ctx context.Context, req *storage.BeginRequest) (*storage.BeginResult, error) {
	r, err := s.logStorage.Begin(ctx, req)
	if err == nil && !s.mended.Load() {
		return s.answer(r)
	}
	return r, err
}

func TestABeginThatIsAnsweredWithNonsense(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*storage.BeginResult) (*storage.BeginResult, error)
		again  bool // nonsense as long as it is asked
	}{
		"nil":        {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, nil }, false},
		"nothing":    {func(*storage.BeginResult) (*storage.BeginResult, error) { return &storage.BeginResult{}, nil }, false},
		"two things": {func(r *storage.BeginResult) (*storage.BeginResult, error) { r.Busy = &storage.Busy{}; return r, nil }, false},
		"no fence":   {func(r *storage.BeginResult) (*storage.BeginResult, error) { r.Started.Fence = ""; return r, nil }, false},
		"failed replay": {func(*storage.BeginResult) (*storage.BeginResult, error) {
			return &storage.BeginResult{Replay: &storage.Turn{State: storage.Failed}}, nil
		}, false},
		"no number": {func(*storage.BeginResult) (*storage.BeginResult, error) {
			return &storage.BeginResult{Replay: &storage.Turn{State: storage.Succeeded}}, nil
		}, false},
		"internal": {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, errors.New("after it began") }, false},
		"canceled": {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, context.Canceled }, false},
		"always":   {func(*storage.BeginResult) (*storage.BeginResult, error) { return nil, nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &badStorage{answer: c.answer}
				lasting := newLasting(&s.logStorage)
				defer lasting.close()
				both := struct {
					storage.Storage
					*later
				}{s, &later{lasting, s}}
				_, err := newTestBot(both, nil).Chat(context.Background(), hi, nil)
				if name == "canceled" {
					wantClass(t, err, fault.Canceled)
				} else {
					wantClass(t, err, fault.Internal)
				}
				s.mended.Store(!c.again)
				lasting.running.Wait()
				if c.again {
					if len(s.commits) != 0 || len(s.begins) > 3 {
						t.Errorf("%d begins, %d commits", len(s.begins), len(s.commits))
					}
					return
				}
				if last := s.last(t); last.State != storage.Interrupted || s.logStorage.running != "" {
					t.Errorf("ended by %+v", last)
				}
			})
		})
	}
}

// breaks is how a turn may break off, by a panic or by the end of its goroutine.
var breaks = map[string]func(){
	"panic":  func() { panic("broken") },
	"goexit": runtime.Goexit,
}

func TestATurnThatBreaksOffIsEnded(t *testing.T) {
	for how, breakOff := range breaks {
		for where, c := range map[string]struct {
			bot  func(s storage.Storage) *Bot
			emit func(string) error
			want storage.State
			text string
		}{
			"emit": {
				func(s storage.Storage) *Bot {
					return newTestBot(s, says(&llm.Finish{}, nil, llm.Delta{Text: "par", Usage: chat.Usage{OutputTokens: 3}}))
				},
				func(string) error { breakOff(); return nil }, storage.Interrupted, "assistant:par|",
			},
			"model": {
				func(s storage.Storage) *Bot {
					return newTestBot(s, funcLLM(func(_ context.Context, _ *llm.Request, emit func(llm.Delta) error) (*llm.Finish, error) {
						if err := emit(llm.Delta{Text: "par", Usage: chat.Usage{OutputTokens: 3}}); err != nil {
							return nil, err
						}
						breakOff()
						return nil, nil
					}))
				}, nil, storage.Failed, "assistant:par|",
			},
			"recall": {
				func(s storage.Storage) *Bot {
					return newTestBot(s, nil, func(p *Parts) {
						p.Memory = recalling(func() ([]chat.Message, error) { breakOff(); return nil, nil })
					})
				}, nil, storage.Failed, "",
			},
			"commit": {
				func(s storage.Storage) *Bot {
					return newTestBot(&breakingStorage{Storage: s, breakOff: breakOff}, says(&llm.Finish{}, nil, llm.Delta{Text: "par", Usage: chat.Usage{OutputTokens: 3}}))
				}, nil, storage.Failed, "assistant:par|",
			},
		} {
			t.Run(how+" in "+where, func(t *testing.T) {
				s := &logStorage{}
				b := c.bot(s)
				held := 0
				b.Hold = func(string) func() { held++; return func() { held-- } }
				done := make(chan any)
				go func() {
					returned := false
					defer func() {
						r := recover()
						if returned {
							r = "it returned"
						}
						done <- r
					}()
					_, _ = b.Chat(context.Background(), hi, c.emit)
					returned = true
				}()
				want := any(nil)
				if how == "panic" {
					want = "broken"
				}
				if got := <-done; got != want {
					t.Errorf("it went on with %v; want %v", got, want)
				}
				last := s.last(t)
				if last.State != c.want || texts(last.Messages) != c.text || c.text != "" && last.Usage.OutputTokens != 3 || len(last.Record) == 0 {
					t.Errorf("%+v", last)
				}
				if held != 0 || b.Admission.Turns() != 0 || s.running != "" {
					t.Errorf("%d leases, %d in the gate, running %q", held, b.Admission.Turns(), s.running)
				}
				if r, err := newTestBot(s, says(&llm.Finish{}, nil, llm.Delta{Text: "ok"}), func(p *Parts) { p.Admission = b.Admission }).Chat(context.Background(), hi, nil); err != nil || r.Turn != 1 {
					t.Errorf("the next turn: %+v, %v", r, err)
				}
			})
		}
	}
}

// breakingStorage breaks off in its first Commit.
type breakingStorage struct {
	storage.Storage
	breakOff func()
	broke    bool
}

func (s *breakingStorage) Commit(ctx context.Context, req *storage.CommitRequest) (int64, error) {
	if !s.broke {
		s.broke = true
		s.breakOff()
	}
	return s.Storage.Commit(ctx, req)
}
