package load

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Closed is a closed loop. Each caller sends its next turn when it has the reply to its last turn.
type Closed struct {
	Addr    string
	Callers int
	// Turns is the number of turns of all callers together, and For is the duration of the loop. The loop
	// stops at the bound that it reaches first. Zero means that there is no bound.
	Turns int
	For   time.Duration
	// Next returns the n-th turn of a caller. Each caller must have conversations of its own.
	Next func(caller, n int) Turn
}

// Result is the result of a closed loop.
type Result struct {
	Turns int64
	Took  time.Duration
	P50   time.Duration // median time from a turn's request to its reply
}

// PerSecond returns the number of turns per second.
func (r Result) PerSecond() float64 { return float64(r.Turns) / r.Took.Seconds() }

// Run runs the loop over HTTP. A caller stops at its first turn without a complete reply, and Run returns
// that error when all callers have stopped.
func (l Closed) Run() (Result, error) {
	clients := make([]*client, l.Callers)
	for i := range clients {
		c, err := dial(l.Addr)
		if err != nil {
			return Result{}, err
		}
		defer c.close()
		clients[i] = c
	}
	return l.RunFunc(func(caller, n int) error {
		t := l.Next(caller, n)
		if err := clients[caller].turn(t); err != nil {
			return fmt.Errorf("turn %d of caller %d (%s/%s): %w", n, caller, t.Tenant, t.Conversation, err)
		}
		return nil
	})
}

// RunFunc runs the loop with a function that runs a turn. It does not use Addr and Next.
func (l Closed) RunFunc(turn func(caller, n int) error) (Result, error) {
	waits := make([][]time.Duration, l.Callers)
	share := (l.Turns + l.Callers - 1) / l.Callers
	errs := make([]error, l.Callers)
	var callers sync.WaitGroup
	start := time.Now()
	for i := range l.Callers {
		callers.Go(func() {
			for n, sent := 0, start; l.Turns == 0 || n < share; n++ {
				if l.For > 0 && sent.Sub(start) >= l.For {
					return
				}
				if errs[i] = turn(i, n); errs[i] != nil {
					return
				}
				now := time.Now()
				waits[i] = append(waits[i], now.Sub(sent))
				sent = now
			}
		})
	}
	callers.Wait()
	done := Result{Took: time.Since(start)}
	all := slices.Concat(waits...)
	if done.Turns = int64(len(all)); done.Turns > 0 {
		slices.Sort(all)
		done.P50 = all[len(all)/2]
	}
	return done, errors.Join(errs...)
}

func (c *client) turn(t Turn) error {
	if err := c.send(t); err != nil {
		return err
	}
	_, err := c.receive(t)
	return err
}
