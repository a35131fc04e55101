package follow

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/host/bounds"
	"github.com/botyard/botyard/sdk/storage"
)

// TestQueue_fair checks that a tenant with much to do goes behind the others after each step.
func TestQueue_fair(t *testing.T) {
	q := newQueue()
	q.add("big")
	for range 3 {
		if got, _ := q.take(); got != "big" {
			t.Fatalf("took %q", got)
		}
		q.finish("big", now, false)
	}
	q.add("small")
	q.add("small")
	first, _ := q.take()
	second, _ := q.take()
	if first != "big" || second != "small" {
		t.Errorf("took %q and %q; want small after one step of big", first, second)
	}
	q.add("small") // during its step
	q.finish("small", nothing, false)
	q.finish("big", nothing, false)
	if got, _ := q.take(); got != "small" {
		t.Errorf("took %q; want what happened during a step to lead to another", got)
	}
	q.finish("small", nothing, false)
	if n := q.waiting(); n != 0 {
		t.Errorf("%d tenants wait", n)
	}
}

// TestQueue_suspects checks that tenants whose last step failed leave half of the workers to others.
func TestQueue_suspects(t *testing.T) {
	q := newQueue()
	for i := range bounds.FollowAtOnce {
		tenant := fmt.Sprint("bad ", i)
		q.tenants[tenant] = &queued{failures: 1}
		q.pushLocked(tenant)
	}
	for range bounds.FollowAtOnce / 2 {
		q.take()
	}
	q.add("good")
	if got, _ := q.take(); got != "good" {
		t.Errorf("took %q; want the good one before further bad ones", got)
	}
	q.finish("bad 0", nothing, false)
	if got, _ := q.take(); got != fmt.Sprint("bad ", bounds.FollowAtOnce/2) {
		t.Errorf("took %q; want the next bad one", got)
	}
}

// TestQueue_held checks that a tenant whose conversations other hosts have claimed comes again after a
// pause, and at once if something happens there.
func TestQueue_held(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		defer q.stop()
		q.add("a")
		for range 2 {
			if got, _ := q.take(); got != "a" {
				t.Fatalf("took %q", got)
			}
			start := time.Now()
			q.finish("a", held, false)
			if got, _ := q.take(); got != "a" || time.Since(start) != heldPause {
				t.Errorf("took %q after %s", got, time.Since(start))
			}
			q.finish("a", held, false)
			start = time.Now()
			q.add("a")
			if time.Since(start) != 0 || len(q.ready) != 1 {
				t.Errorf("not ready at once")
			}
		}
	})
}

func TestQueue_stop(t *testing.T) {
	q := newQueue()
	ended := make(chan bool)
	go func() {
		_, ok := q.take()
		ended <- ok
	}()
	q.stop()
	if <-ended {
		t.Error("a tenant was taken of a stopped queue")
	}
}

// TestFollower_Run checks that a backlog of one tenant does not delay another, and that Run ends.
func TestFollower_Run(t *testing.T) {
	b := newBench(t)
	for i := range 300 {
		b.storage.say("big", fmt.Sprint("c", i), "hi", storage.Succeeded, 0)
	}
	b.storage.say("small", "c", "hi", storage.Succeeded, 0)
	f := b.host("h")
	var swept atomic.Int32
	f.o.SweepEvery = 10 * time.Millisecond
	f.o.Tenants = func(_ context.Context, visit func(string) error) error {
		swept.Add(1)
		return visit("small")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		f.Run(ctx)
		close(ended)
	}()
	f.Touch("big")
	for f.Stats().Remembered < 301 || swept.Load() < 2 {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("not all was followed")
		}
	}
	cancel()
	<-ended
	if st := f.Stats(); st.Remembered != 301 || st.Failed != 0 {
		t.Errorf("%+v; want 301 turns, each once", st)
	}
}

// TestFollower_Run_failures checks that a tenant whose memory fails is tried again after a pause, and
// that the others go on meanwhile.
func TestFollower_Run_failures(t *testing.T) {
	b := newBench(t)
	b.storage.say("good", "c", "hi", storage.Succeeded, 0)
	f := New(Options{Holder: "h", Tenants: func(context.Context, func(string) error) error { return nil },
		Open: func(_ context.Context, tenant string) (*Source, func(), error) {
			if tenant == "bad" {
				return nil, nil, fmt.Errorf("away")
			}
			return b.source(tenant), func() {}, nil
		}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		f.Run(ctx)
		close(ended)
	}()
	f.Touch("bad")
	f.Touch("good")
	for st := f.Stats(); st.Remembered < 1 || st.Failed < 2; st = f.Stats() {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
}

// TestFollower_Run_atOnce checks that the steps of many tenants are made by as many workers as the bound
// says.
func TestFollower_Run_atOnce(t *testing.T) {
	// beyond: following memories
	synctest.Test(t, func(t *testing.T) {
		running, most := 0, 0
		var mu sync.Mutex
		f := New(Options{Holder: "h", Tenants: func(context.Context, func(string) error) error { return nil },
			Open: func(context.Context, string) (*Source, func(), error) {
				mu.Lock()
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running--
				mu.Unlock()
				return nil, nil, nil
			}})
		for i := range 3 * bounds.FollowAtOnce {
			f.Touch(fmt.Sprint("tenant ", i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		go f.Run(ctx)
		time.Sleep(10 * time.Second)
		cancel()
		synctest.Wait()
		if most != bounds.FollowAtOnce || f.Stats().Waiting != 0 {
			t.Errorf("%d steps were made at once, %d tenants wait; want %d and none", most, f.Stats().Waiting, bounds.FollowAtOnce)
		}
	})
}
