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
	neighbours = 10
	// turnEvery is how often a neighbour has a turn.
	turnEvery = 200 * time.Millisecond
	// turnTimeout is what a neighbour waits for a turn: one that takes longer has failed.
	turnTimeout = 30 * time.Second
)

// town is the well-behaved tenants.
type town struct{ client }

func newTown(addr string) *town { return &town{newClient(addr)} }

// neighbour names the i-th tenant.
func neighbour(i int) string { return fmt.Sprintf("neighbour-%d", i) }

// register adds the neighbours: half of them keep their conversations in memory, the
// others in SQLite.
func (t *town) register(ctx context.Context) error {
	for i := range neighbours {
		settings := object{"prompts": object{"system": "I serve " + neighbour(i) + "."}}
		if i%2 == 1 {
			settings["conversation_storage"] = object{"backend": "sqlite"}
		}
		if err := t.mustPut(ctx, neighbour(i), settings); err != nil {
			return err
		}
	}
	return nil
}

// lived is how a time was for the neighbours.
type lived struct {
	turns    int64
	p50, p99 time.Duration
}

// live has each neighbour talk for a while. It returns an error for each of the first
// turns that failed.
func (t *town) live(ctx context.Context, length time.Duration) (lived, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var mu sync.Mutex
	all := hdr.New(1, int64(time.Minute/time.Microsecond), 3)
	var errs []error
	failed := 0
	var everybody sync.WaitGroup
	for i := range neighbours {
		everybody.Go(func() {
			conversation := fmt.Sprintf("c-%d", time.Now().UnixNano())
			tick := time.NewTicker(turnEvery)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				began := time.Now()
				// Finished in any case.
				err := t.turn(context.WithoutCancel(ctx), neighbour(i), conversation, fmt.Sprintf("%s says %d", neighbour(i), n))
				took := time.Since(began)
				mu.Lock()
				if err == nil {
					_ = all.RecordValue(took.Microseconds())
				} else if failed++; len(errs) < 10 {
					errs = append(errs, fmt.Errorf("%s: turn %d: %w", neighbour(i), n, err))
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
	return lived{all.TotalCount(), at(50), at(99)}, errors.Join(errs...)
}

// turn has one turn, and checks that the reply is to it and to nobody else.
func (t *town) turn(ctx context.Context, tenant, conversation, message string) error {
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
