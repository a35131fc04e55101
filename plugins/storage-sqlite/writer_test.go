package sqlitestore

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// paper returns a writer on a new database with an empty table a.
func paper(t *testing.T) *writer {
	t.Helper()
	return checkedPaper(t, func(*session) error { return nil })
}

// checkedPaper returns a writer as paper does. The writer calls check at the start of each transaction.
func checkedPaper(t *testing.T, check func(*session) error) *writer {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	if err := create(path); err != nil {
		t.Fatal(err)
	}
	open := func() (*session, error) { return connect(path, writerPragmas) }
	w := newWriter(open, check)
	w.start()
	t.Cleanup(func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	})
	err := w.outside(t.Context(), func(s *session) error {
		return s.script("PRAGMA journal_mode = WAL; CREATE TABLE a (n INTEGER PRIMARY KEY, text TEXT)")
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func put1(n int) func(*session) error {
	return func(s *session) error {
		_, err := s.exec("INSERT INTO a (n) VALUES (?)", n)
		return err
	}
}

// held blocks the writer until the test calls release. Until then other writes gather in the queue.
func held(t *testing.T, w *writer) (release func()) {
	t.Helper()
	began, going := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- w.outside(context.Background(), func(*session) error {
			close(began)
			<-going
			return nil
		})
	}()
	<-began
	return func() {
		close(going)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// await returns when the queue has n writes.
func await(w *writer, n int) {
	for len(w.queue) < n {
		time.Sleep(time.Millisecond)
	}
}

func (w *writer) count(t *testing.T) (n int) {
	t.Helper()
	err := w.do(t.Context(), func(s *session) error {
		_, err := s.get([]any{&n}, "SELECT count(*) FROM a")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestWriter_commitsTogether checks that 100 writes that wait together take at most 10
// transactions.
func TestWriter_commitsTogether(t *testing.T) {
	w := paper(t)
	var begun atomic.Int64
	w.check = func(*session) error { begun.Add(1); return nil }
	release := held(t, w)
	const n = 100
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if err := w.do(t.Context(), put1(i)); err != nil {
				t.Error(err)
			}
		})
	}
	await(w, n)
	release()
	wg.Wait()
	if got := begun.Load(); got > n/10 {
		t.Errorf("%d writes that waited together took %d transactions", n, got)
	}
	if got := w.count(t); got != n {
		t.Errorf("%d of %d writes are there", got, n)
	}
}

var errOwn = errors.New("own")

// TestWriter_failureIsItsOwn checks that a write that fails does not affect the writes in the same
// transaction. Each subtest is a way to fail.
func TestWriter_failureIsItsOwn(t *testing.T) {
	w := paper(t)
	if err := w.do(t.Context(), put1(1)); err != nil {
		t.Fatal(err)
	}
	after := func(first func(*session) error, then error) func(*session) error {
		return func(s *session) error { return errors.Join(first(s), then) }
	}
	ways := map[string]struct {
		do func(*session) error
		is func(error) bool
	}{
		"an error of its own": {after(put1(1000), errOwn), func(err error) bool { return errors.Is(err, errOwn) }},
		"a constraint":        {put1(1), func(err error) bool { return code(err) == 19 }},
		"no such table": {func(s *session) error {
			_, err := s.exec("INSERT INTO b VALUES (1)")
			return err
		}, func(err error) bool { return code(err) == 1 }},
		"a panic":   {func(*session) error { panic("oh") }, func(err error) bool { var p *panicError; return errors.As(err, &p) && p.value == "oh" }},
		"an ending": {func(s *session) error { return errors.Join(s.script("ROLLBACK"), errOwn) }, func(err error) bool { return errors.Is(err, errOwn) || code(err) != 0 }},
	}
	var fresh atomic.Int64
	fresh.Store(100)
	for what, way := range ways {
		t.Run(what, func(t *testing.T) {
			before := w.count(t)
			release := held(t, w)
			var wg sync.WaitGroup
			const n = 9
			for i := range n {
				wg.Go(func() {
					if i == n/2 {
						if err := w.do(t.Context(), way.do); err == nil || !way.is(err) {
							t.Errorf("it answered %v", err)
						}
						return
					}
					if err := w.do(t.Context(), put1(int(fresh.Add(1)))); err != nil {
						t.Errorf("another write: %v", err)
					}
				})
			}
			await(w, n)
			release()
			wg.Wait()
			if got := w.count(t); got != before+n-1 {
				t.Errorf("%d writes are there; want %d", got-before, n-1)
			}
		})
	}
}

// TestWriter_refusalIsOfItsTime checks that a write that is sent after an answer with an error gets an
// attempt of its own, and not the same error.
func TestWriter_refusalIsOfItsTime(t *testing.T) {
	var away atomic.Bool
	gone := errors.New("gone")
	w := checkedPaper(t, func(*session) error {
		if away.Load() {
			return gone
		}
		return nil
	})
	idle := func(*session) error { return nil }
	for i := range 200 {
		away.Store(true)
		release := held(t, w)
		answers := make(chan error, 500)
		for range cap(answers) {
			go func() { answers <- w.do(t.Context(), idle) }()
		}
		for len(w.queue) < cap(answers) {
			runtime.Gosched()
		}
		go release()
		if err := <-answers; !errors.Is(err, gone) {
			t.Fatalf("round %d: %v; want it refused", i, err)
		}
		away.Store(false)
		if err := w.do(t.Context(), idle); err != nil {
			t.Fatalf("round %d: %v, though nothing is away any more", i, err)
		}
		for range cap(answers) - 1 {
			<-answers
		}
	}
}

// TestWriter_callerLeaves checks that a write has no effect if its context ends before the write has
// started, and that a write that has started is completed.
func TestWriter_callerLeaves(t *testing.T) {
	w := paper(t)
	release := held(t, w)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { gone <- w.do(ctx, put1(1)) }()
	await(w, 1)
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left: %v", err)
	}
	release()
	if n := w.count(t); n != 0 {
		t.Error("what a caller wanted that left was written")
	}
	ctx, cancel = context.WithCancel(t.Context())
	err := w.do(ctx, func(s *session) error {
		cancel()
		return put1(2)(s)
	})
	if err != nil || w.count(t) != 1 {
		t.Errorf("a caller that left when its write had begun: %v, %d written; want it answered and written", err, w.count(t))
	}
}

// TestWriter_fullQueue checks that a caller waits while the queue is full, and that the caller
// stops waiting when its context ends.
func TestWriter_fullQueue(t *testing.T) {
	w := paper(t)
	release := held(t, w)
	var wg sync.WaitGroup
	for i := range queueLength {
		wg.Go(func() {
			if err := w.do(t.Context(), put1(i)); err != nil {
				t.Error(err)
			}
		})
	}
	await(w, queueLength)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.do(ctx, put1(-1)); !errors.Is(err, context.Canceled) {
		t.Errorf("a write without a place: %v", err)
	}
	release()
	wg.Wait()
	if n := w.count(t); n != queueLength {
		t.Errorf("%d writes are there; want %d", n, queueLength)
	}
}
