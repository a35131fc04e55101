package instances

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/botyard/botyard/sdk/fault"
)

type closer struct{ closed atomic.Int32 }

func (c *closer) Close() error { c.closed.Add(1); return nil }

func TestSet_Configure(t *testing.T) {
	var s Set[*closer]
	var opened atomic.Int32
	open := func(context.Context) (*closer, error) { opened.Add(1); return &closer{}, nil }
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := s.Configure(context.Background(), "i", open); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if opened.Load() != 1 {
		t.Errorf("opened %d times", opened.Load())
	}
}

func TestSet_Configure_failedOpen(t *testing.T) {
	var s Set[*closer]
	if _, err := s.Configure(context.Background(), "i", func(context.Context) (*closer, error) { return nil, errors.New("no") }); err == nil {
		t.Fatal("no error")
	}
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Configure(context.Background(), "i", func(context.Context) (*closer, error) { panic("boom") })
	}()
	if _, _, err := s.Get("i"); !fault.Is(err, fault.UnknownInstance) {
		t.Errorf("after a panic: %v", err)
	}
}

func TestSet_Release(t *testing.T) {
	var s Set[*closer]
	c := &closer{}
	if _, err := s.Configure(context.Background(), "i", func(context.Context) (*closer, error) { return c, nil }); err != nil {
		t.Fatal(err)
	}
	_, done, err := s.Get("i")
	if err != nil {
		t.Fatal(err)
	}
	released := make(chan error)
	go func() { released <- s.Release("i") }()
	for {
		if _, more, err := s.Get("i"); err != nil {
			break // Release removed the id before the last call was done
		} else {
			more()
		}
	}
	if c.closed.Load() != 0 {
		t.Error("closed under a call")
	}
	done()
	if err := <-released; err != nil || c.closed.Load() != 1 {
		t.Errorf("%v, closed %d times", err, c.closed.Load())
	}
	if err := s.Release("i"); err != nil {
		t.Errorf("a second release: %v", err)
	}
}

func TestSet_concurrent(t *testing.T) {
	var s Set[*closer]
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for n := range 300 {
				id := fmt.Sprint(n % 3)
				switch (n + i) % 3 {
				case 0:
					_, _ = s.Configure(context.Background(), id, func(context.Context) (*closer, error) { return &closer{}, nil })
				case 1:
					if v, done, err := s.Get(id); err == nil {
						if v.closed.Load() != 0 {
							t.Error("a closed instance was called")
						}
						done()
					}
				default:
					_ = s.Release(id)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
