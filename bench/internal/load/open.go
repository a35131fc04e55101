package load

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Open is an open loop: turns arrive as a Poisson process, each on a connection
// that is free at that time.
type Open struct {
	Addr      string
	PerSecond float64
	For       time.Duration
	Next      func(n int) Turn
	Seed      uint64 // of the arrivals; equal seeds give equal ones
}

// maxConnections bounds what a host that does not keep up can make grow. Turns for
// which none is free wait, and their waiting is in their latency.
const maxConnections = 512

// Latencies are in microseconds, counted from when the turn was to be sent: what a
// slow reply delays is counted against it.
type Latencies struct {
	First *hdrhistogram.Histogram // first piece of the reply
	Whole *hdrhistogram.Histogram
	Late  *hdrhistogram.Histogram // the generator's own delay, before it sent
}

func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60_000_000, 3) }

// Run drives the loop.
func (l Open) Run() (*Latencies, error) {
	out := &Latencies{First: newHistogram(), Whole: newHistogram(), Late: newHistogram()}
	// The thread that sends sleeps in the kernel: the runtime's timers are late by up
	// to a millisecond, as much as a turn takes.
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
		c, err := take(free, &opened, l.Addr)
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

// take gives a connection that is free, or a new one, or the next that gets free.
func take(free chan *client, opened *int, addr string) (*client, error) {
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
