package readfile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// blockCalls starts n calls that are blocked until the test calls release.
func blockCalls(t *testing.T, s *blockedCalls, path func(i int) string, n int) (release func()) {
	t.Helper()
	hold := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			_, err := bounded(t.Context(), s, path(i), func() (int, error) { <-hold; return 0, nil })
			if !errors.Is(err, ErrBlocked) {
				t.Errorf("%s: %v", path(i), err)
			}
		})
	}
	all.Wait()
	return sync.OnceFunc(func() { close(hold) })
}

func ask(s *blockedCalls, path string) error {
	_, err := bounded(context.Background(), s, path, func() (int, error) { return 1, nil })
	return err
}

func TestBounded_blocked(t *testing.T) {
	s := newBlockedCalls(200 * time.Millisecond)
	release := blockCalls(t, s, func(int) string { return "/mnt/a/1" }, 1)
	defer release()
	if err := ask(s, "/mnt/a/1"); !errors.Is(err, ErrBlocked) {
		t.Errorf("a second call for a blocked file returns %v", err)
	}
	if err := ask(s, "/mnt/a/2"); err != nil {
		t.Errorf("a call for another file returns %v", err)
	}
	release()
	for deadline := time.Now().Add(10 * time.Second); ask(s, "/mnt/a/1") != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a call is refused although the file system responds again")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all != 0 || len(s.paths) != 0 {
		t.Errorf("%d %v", s.all, s.paths)
	}
}

// TestBlockedCalls_bounds checks that blocked calls in one folder are limited, and that calls in
// other folders still succeed.
func TestBlockedCalls_bounds(t *testing.T) {
	s := newBlockedCalls(200 * time.Millisecond)
	defer blockCalls(t, s, func(i int) string { return fmt.Sprintf("/mnt/a/%d", i) }, maxInFolder)()
	if err := ask(s, "/mnt/a/other"); !errors.Is(err, ErrBlocked) {
		t.Errorf("one more of the folder: %v", err)
	}
	if err := ask(s, "/mnt/b/other"); err != nil {
		t.Errorf("another folder: %v", err)
	}
	defer blockCalls(t, s, func(i int) string { return fmt.Sprintf("/mnt/t%d/secret", i) }, maxInParent-maxInFolder)()
	if err := ask(s, "/mnt/b/other"); !errors.Is(err, ErrBlocked) {
		t.Errorf("another folder beside so many: %v", err)
	}
	if err := ask(s, "/etc/a/other"); err != nil {
		t.Errorf("another folder elsewhere: %v", err)
	}
}

func TestBounded_contextEnds(t *testing.T) {
	s := newBlockedCalls(time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	hold := make(chan struct{})
	defer close(hold)
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := bounded(ctx, s, "/mnt/a/1", func() (int, error) { <-hold; return 0, nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := ask(s, "/mnt/a/1"); !errors.Is(err, ErrBlocked) {
		t.Errorf("a second call for a blocked file returns %v", err)
	}
}
