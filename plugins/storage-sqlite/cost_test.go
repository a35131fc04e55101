package sqlitestore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// BenchmarkTurn measures a Begin and a Commit by several concurrent callers. Each caller has its
// own conversation.
func BenchmarkTurn(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, err := Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var wg sync.WaitGroup
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			for i := range callers {
				wg.Go(func() {
					c := sdk.Call{Tenant: fmt.Sprint("t", i), Conversation: "c", User: "u"}
					for left.Add(-1) >= 0 {
						if err := oneTurn(b, s, c); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "turns/s")
		})
	}
}

func oneTurn(t testing.TB, s storage.Storage, c sdk.Call) error {
	res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: c, Tail: 20, Holder: "h", Lease: time.Hour,
		Messages: storage.EncodeMessages(chat.Text(chat.User, "What does the moon weigh?"))})
	if err != nil {
		return err
	}
	_, err = s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
		State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, "About 7.3e22 kilograms, which is a lot."))})
	return err
}

// BenchmarkGrown measures a turn in files of increasing size. The cost of a turn should be the same
// in each file.
func BenchmarkGrown(b *testing.B) {
	for _, size := range []struct{ tenants, turns int }{{1, 10}, {1, 100_000}, {20_000, 1}} {
		b.Run(fmt.Sprintf("tenants=%d/turns=%d", size.tenants, size.turns), func(b *testing.B) {
			s, err := Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			grow(b, s, size.tenants, size.turns)
			c := sdk.Call{Tenant: "t1", Conversation: "c", User: "u"}
			b.ResetTimer()
			for b.Loop() {
				if err := oneTurn(b, s, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// grow imports one conversation with the given number of turns for each of the given number of
// tenants.
func grow(t testing.TB, s *Store, tenants, turns int) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(tenants); i = next.Add(1) {
				c := sdk.Call{Tenant: fmt.Sprint("t", i), Conversation: "c", User: "u"}
				for from := 0; from < turns; from += 1000 {
					all := make([]storage.Turn, min(1000, turns-from))
					for n := range all {
						all[n] = storage.Turn{Sequence: int64(from + n + 1), Number: int64(from + n + 1), State: storage.Succeeded,
							Messages:  storage.EncodeMessages(chat.Text(chat.User, "What does the moon weigh?"), chat.Text(chat.Assistant, "About 7.3e22 kilograms.")),
							StartedAt: time.Now(), EndedAt: time.Now()}
					}
					if _, err := s.Import(t.Context(), &storage.ImportRequest{Call: c, Turns: all}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// TestWriter_pagesOfATurn checks that turns write about the same number of pages in a small file,
// in a long conversation, and beside many other tenants. The test counts pages instead of time,
// because the number of pages does not depend on other load on the machine.
func TestWriter_pagesOfATurn(t *testing.T) {
	const turns = 200
	pages := func(tenants, stored int) int {
		s := openStore(t, t.TempDir())
		grow(t, s, tenants, stored)
		log := func(pragmas ...string) (n int) {
			err := s.writer.outside(t.Context(), func(w *session) error {
				for _, p := range pragmas {
					if _, err := w.get([]any{new(int), &n, new(int)}, p); err != nil {
						return err
					}
				}
				return w.script("PRAGMA wal_autocheckpoint = 0")
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		log("PRAGMA wal_checkpoint(TRUNCATE)")
		for range turns {
			if err := oneTurn(t, s, sdk.Call{Tenant: "t1", Conversation: "c", User: "u"}); err != nil {
				t.Fatal(err)
			}
		}
		return log("PRAGMA wal_checkpoint(PASSIVE)")
	}
	little := pages(1, 10)
	if little < turns || little > 10*turns {
		t.Fatalf("%d turns wrote %d pages", turns, little)
	}
	for what, n := range map[string]int{"after 10,000 turns": pages(1, 10_000), "among 1,000 tenants": pages(1_000, 1)} {
		if n > little*5/4 {
			t.Errorf("%d turns wrote %d pages %s, and %d at the start", turns, n, what, little)
		}
	}
}
