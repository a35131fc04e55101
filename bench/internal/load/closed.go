package load

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Closed is a closed loop.
type Closed struct {
	Addr    string
	Callers int
	// The loop ends when each caller has sent its share of Turns or when For is over,
	// whichever comes first; zero is no bound of that sort.
	Turns int
	For   time.Duration
	// Next gives a caller's n-th turn. Callers must not share conversations.
	Next func(caller, n int) Turn
}

// Done is what came of a loop.
type Done struct {
	Turns int64
	Took  time.Duration
	P50   time.Duration // of a turn, as its caller waited for it
}

// PerSecond is the rate of whole turns.
func (d Done) PerSecond() float64 { return float64(d.Turns) / d.Took.Seconds() }

// Run drives the loop. One turn that is not answered whole is an error.
func (l Closed) Run() (Done, error) {
	clients := make([]*client, l.Callers)
	for i := range clients {
		c, err := dial(l.Addr)
		if err != nil {
			return Done{}, err
		}
		defer c.close()
		clients[i] = c
	}
	return l.Do(func(caller, n int) error {
		t := l.Next(caller, n)
		if err := clients[caller].turn(t); err != nil {
			return fmt.Errorf("turn %d of caller %d (%s/%s): %w", n, caller, t.Tenant, t.Conversation, err)
		}
		return nil
	})
}

// Do drives the loop with turns of another kind: neither Addr nor Next is used.
func (l Closed) Do(turn func(caller, n int) error) (Done, error) {
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
	done := Done{Took: time.Since(start)}
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
