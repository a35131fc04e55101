package load

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
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
	var done atomic.Int64
	share := (l.Turns + l.Callers - 1) / l.Callers
	errs := make([]error, l.Callers)
	var callers sync.WaitGroup
	start := time.Now()
	for i, c := range clients {
		callers.Go(func() {
			for n := 0; l.Turns == 0 || n < share; n++ {
				if l.For > 0 && time.Since(start) >= l.For {
					return
				}
				t := l.Next(i, n)
				if err := c.turn(t); err != nil {
					errs[i] = fmt.Errorf("turn %d of caller %d (%s/%s): %w", n, i, t.Tenant, t.Conversation, err)
					return
				}
				done.Add(1)
			}
		})
	}
	callers.Wait()
	return Done{Turns: done.Load(), Took: time.Since(start)}, errors.Join(errs...)
}

func (c *client) turn(t Turn) error {
	if err := c.send(t); err != nil {
		return err
	}
	_, err := c.receive(t)
	return err
}
