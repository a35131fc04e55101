package load

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Open is an open loop. Turns arrive as a Poisson process. Each turn is sent on a connection that is free
// at that time.
type Open struct {
	Addr      string
	PerSecond float64
	For       time.Duration
	Next      func(n int) Turn
	Seed      uint64 // equal seeds give equal arrivals
}

// maxConnections is the most connections to a host. When all of them are in use, a turn waits for a free
// connection, and this wait is part of its latency.
const maxConnections = 512

// Latencies are in microseconds. They count from the time at which a turn should have been sent, so they
// include delays that a slow reply causes for later turns.
type Latencies struct {
	First *hdrhistogram.Histogram // latency of the first piece of the reply
	Whole *hdrhistogram.Histogram
	Late  *hdrhistogram.Histogram // delay until the load generator has sent the turn
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60_000_000, 3) }

// Run runs the loop. It stops at the first error.
func (l Open) Run() (*Latencies, error) {
	out := &Latencies{First: newHistogram(), Whole: newHistogram(), Late: newHistogram()}
	// sleepUntil must block this thread in the kernel, because the timers of the Go runtime can be a
	// millisecond late. A millisecond is about the duration of a whole turn.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	free := make(chan *client, maxConnections)
	defer func() {
		for range len(free) {
			(<-free).close()
		}
	}()
	opened := 0
	var mu sync.Mutex
	var failure error
	fail := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if failure == nil {
			failure = err
		}
	}
	random := rand.New(rand.NewPCG(l.Seed, 1))
	var replies sync.WaitGroup
	start := time.Now()
	at := start
	for n := 0; ; n++ {
		at = at.Add(time.Duration(random.ExpFloat64() / l.PerSecond * float64(time.Second)))
		if at.Sub(start) > l.For {
			break
		}
		sleepUntil(at)
		c, err := acquire(free, &opened, l.Addr)
		if err != nil {
			fail(err)
			break
		}
		t := l.Next(n)
		intended := at
		if err := c.send(t); err != nil {
			fail(err)
			break
		}
		sent := time.Now()
		replies.Go(func() {
			first, err := c.receive(t)
			end := time.Now()
			if err != nil {
				fail(fmt.Errorf("turn %d: %w", n, err))
				c.close()
				return
			}
			mu.Lock()
			record(out.Late, sent.Sub(intended))
			record(out.First, first.Sub(intended))
			record(out.Whole, end.Sub(intended))
			mu.Unlock()
			free <- c
		})
	}
	replies.Wait()
	return out, failure
}

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), h.HighestTrackableValue()))
}

// acquire returns a free connection. If there is none, it opens a new one, or, when maxConnections are
// open, waits until a connection is free.
func acquire(free chan *client, opened *int, addr string) (*client, error) {
	select {
	case c := <-free:
		return c, nil
	default:
	}
	if *opened < maxConnections {
		*opened++
		return dial(addr)
	}
	select {
	case c := <-free:
		return c, nil
	case <-time.After(replyTimeout):
		return nil, fmt.Errorf("no connection of %d was free within %s", maxConnections, replyTimeout)
	}
}
