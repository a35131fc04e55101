package sqlitestore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/fault"
	"github.com/botyard/botyard/sdk/storage"
)

// disk is a disk that a test can fill. room frees the space again.
type disk struct {
	dir  string
	fill func(s *Store)
	room func(s *Store)
}

// fullByBallast returns a small mounted file system. Its fill writes a large file until the file
// system is full.
func fullByBallast(t *testing.T) disk {
	dir := smallDisk(t, "size=6m")
	ballast := filepath.Join(dir, "ballast")
	return disk{dir: dir,
		fill: func(*Store) {
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			block := make([]byte, 4096)
			for err == nil {
				_, err = f.Write(block)
			}
			_ = f.Close()
		},
		room: func(*Store) {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		},
	}
}

// fullByPages returns a disk in a plain folder. Its fill sets a limit on the pages of the database,
// so that SQLite reports a full disk. It works where the test may not mount a file system.
func fullByPages(t *testing.T) disk {
	limit := func(s *Store, pages string) {
		err := s.writer.outside(t.Context(), func(w *session) error {
			var n int64
			_, err := w.get([]any{&n}, "PRAGMA max_page_count = "+pages)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return disk{dir: t.TempDir(),
		fill: func(s *Store) { limit(s, "1") }, // SQLite raises the limit to the current number of pages
		room: func(s *Store) { limit(s, "4294967294") },
	}
}

// TestStore_fullDisk fills the disk while turns run, and then frees the space again. It checks
// without a restart that the file has every write that succeeded and no write that failed.
func TestStore_fullDisk(t *testing.T) {
	t.Run("file system", func(t *testing.T) { fullDisk(t, fullByBallast(t)) })
	t.Run("pages", func(t *testing.T) { fullDisk(t, fullByPages(t)) })
}

func fullDisk(t *testing.T, d disk) {
	s := openStore(t, d.dir)
	const callers = 50
	var refused, after atomic.Int64
	var full atomic.Bool
	stop := make(chan struct{})
	kept := make([][]string, callers) // for each caller, the texts of the turns whose Commit succeeded
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			c := sdk.Call{Tenant: fmt.Sprint("t", i%7), Conversation: fmt.Sprint("c", i), User: "u"}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				text := fmt.Sprint(n, strings.Repeat(" and on", 100))
				err := stubborn(t, s, c, text, &refused)
				if err != nil {
					t.Error(err)
					return
				}
				kept[i] = append(kept[i], text)
				if !full.Load() {
					after.Add(1)
				}
			}
		})
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	await("no turns at the start", func() bool { return after.Load() > callers })
	full.Store(true)
	d.fill(s)
	await("the disk did not get full", func() bool { return refused.Load() > 2*callers })
	if _, err := s.Read(t.Context(), &storage.ReadRequest{Call: sdk.Call{Tenant: "t0", Conversation: "c0"}, Limit: 1}); err != nil {
		t.Errorf("reading from a full disk: %v", err)
	}
	d.room(s)
	full.Store(false)
	before := after.Load()
	await("no turns after the disk had room again", func() bool { return after.Load() > before+callers })
	close(stop)
	wg.Wait()
	for i, texts := range kept {
		c := sdk.Call{Tenant: fmt.Sprint("t", i%7), Conversation: fmt.Sprint("c", i)}
		var log []storage.Turn
		for more := true; more; {
			page, err := s.Read(t.Context(), &storage.ReadRequest{Call: c, Limit: storage.MaxPage, After: int64(len(log))})
			if err != nil {
				t.Fatal(err)
			}
			log, more = append(log, page.Turns...), page.More
		}
		if len(log) != len(texts) {
			t.Fatalf("%s has %d turns; want the %d that were answered", c.Conversation, len(log), len(texts))
		}
		for n, turn := range log {
			if turn.Number != int64(n+1) || textOf(turn.Messages[0]) != texts[n] {
				t.Fatalf("turn %d of %s is %+v", n+1, c.Conversation, turn)
			}
		}
	}
}

// stubborn runs a turn. It repeats each failed Begin and Commit until the call succeeds, as a host
// does.
func stubborn(t *testing.T, s *Store, c sdk.Call, text string, refused *atomic.Int64) error {
	again := func(f func() error) error {
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
			err := f()
			if err == nil {
				return nil
			}
			e := fault.Of(err)
			if e.Class != fault.ProviderFailed || !e.Retryable || e.Party != fault.PartyHost || e.RetryAfter == 0 ||
				!strings.Contains(e.Message, "full") || time.Now().After(deadline) {
				return fmt.Errorf("%s, party %s, retryable %t: %w", e.Class, e.Party, e.Retryable, err)
			}
			refused.Add(1)
		}
	}
	var res *storage.BeginResult
	attempt := fmt.Sprint(c.Conversation, text)
	err := again(func() (err error) {
		res, err = s.Begin(t.Context(), &storage.BeginRequest{Call: c, Holder: "h", Lease: time.Hour, Tail: 2,
			Attempt: attempt, Messages: storage.EncodeMessages(chat.Text(chat.User, text))})
		return err
	})
	if err != nil {
		return err
	}
	if res.Started == nil {
		return fmt.Errorf("begin: %+v", res)
	}
	return again(func() error {
		_, err := s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
			State: storage.Succeeded, Messages: storage.EncodeMessages(chat.Text(chat.Assistant, text))})
		return err
	})
}

// TestOpen_fullDisk checks that a Store that was opened on a full disk works as soon as the disk
// has room.
func TestOpen_fullDisk(t *testing.T) {
	d := fullByBallast(t)
	d.fill(nil)
	s := openStore(t, d.dir)
	req := &storage.BeginRequest{Call: call, Holder: "h", Lease: time.Second, Messages: hi}
	for range 2 {
		if _, err := s.Begin(t.Context(), req); !fault.Is(err, fault.ProviderFailed) || !fault.Of(err).Retryable {
			t.Fatalf("begin on a full disk: %v", err)
		}
		if _, err := s.Read(t.Context(), &storage.ReadRequest{Call: call, Limit: 1}); !fault.Is(err, fault.ProviderFailed) {
			t.Fatalf("read on a full disk: %v", err)
		}
	}
	d.room(nil)
	if n := end(t, s, begin(t, s)); n != 1 {
		t.Errorf("the first turn became number %d", n)
	}
}
