package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

const (
	neighbourCount = 10
	// turnEvery is the time from the start of a neighbour's turn to the start of its next turn.
	turnEvery = 200 * time.Millisecond
	// turnTimeout is how long a turn of a neighbour may take.
	turnTimeout = 30 * time.Second
)

// neighbours are the well-behaved tenants, whose latencies are measured.
type neighbours struct{ client }

func newNeighbours(addr string) *neighbours { return &neighbours{newClient(addr)} }

func neighbourID(i int) string { return fmt.Sprintf("neighbour-%d", i) }

// register registers the neighbours. One half of them stores conversations in memory, the other half in
// SQLite.
func (t *neighbours) register(ctx context.Context) error {
	for i := range neighbourCount {
		settings := object{"prompts": object{"system": "I serve " + neighbourID(i) + "."}}
		if i%2 == 1 {
			settings["conversation_storage"] = object{"backend": "sqlite"}
		}
		if err := t.mustPut(ctx, neighbourID(i), settings); err != nil {
			return err
		}
	}
	return nil
}

// latencies are the latencies of the neighbours' turns in one round.
type latencies struct {
	turns    int64
	p50, p99 time.Duration
}

// haveTurns sends turns of all neighbours for the given time. Its error has the errors of the first ten
// turns that failed and the number of further failed turns.
func (t *neighbours) haveTurns(ctx context.Context, length time.Duration) (latencies, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var mu sync.Mutex
	all := hdr.New(1, int64(time.Minute/time.Microsecond), 3)
	var errs []error
	failed := 0
	var everybody sync.WaitGroup
	for i := range neighbourCount {
		everybody.Go(func() {
			conversation := fmt.Sprintf("c-%d", time.Now().UnixNano())
			tick := time.NewTicker(turnEvery)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				// The loop waits for the reply even if ctx is done meanwhile, because an aborted turn
				// would count as failed.
				err := t.turn(context.WithoutCancel(ctx), neighbourID(i), conversation, fmt.Sprintf("%s says %d", neighbourID(i), n))
				took := time.Since(began)
				mu.Lock()
				if err == nil {
					_ = all.RecordValue(took.Microseconds())
				} else if failed++; len(errs) < 10 {
					errs = append(errs, fmt.Errorf("%s: turn %d: %w", neighbourID(i), n, err))
				}
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	everybody.Wait()
	if failed > len(errs) {
		errs = append(errs, fmt.Errorf("and %d more turns failed", failed-len(errs)))
	}
	at := func(q float64) time.Duration { return time.Duration(all.ValueAtQuantile(q)) * time.Microsecond }
	return latencies{all.TotalCount(), at(50), at(99)}, errors.Join(errs...)
}

// turn sends one turn. It checks that the reply contains the message and does not contain the word
// "hostile", which all names of hostile tenants contain.
func (t *neighbours) turn(ctx context.Context, tenant, conversation, message string) error {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	var answer struct{ Reply string }
	status, body, err := t.do(ctx, http.MethodPost, "/api/v1/chat", tenant, "application/json",
		encode(object{"conversation_id": conversation, "message": message}), &answer)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("%d %.500s", status, body)
	case !strings.Contains(answer.Reply, message) || strings.Contains(answer.Reply, "hostile"):
		return fmt.Errorf("the reply is %.500q", answer.Reply)
	}
	return nil
}
