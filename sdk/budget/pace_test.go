package budget

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace_Wait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var none *Pace
		if err := none.Wait(t.Context(), time.Hour); err != nil {
			t.Error(err)
		}
		begun := time.Now()
		p := NewPace(time.Second)
		for range 1000 {
			if err := p.Wait(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("the credit took %s", took)
		}
		for range 5000 {
			if err := p.Wait(t.Context(), time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took < 5*time.Second || took > 5*time.Second+paceRest {
			t.Errorf("5 seconds beyond the credit took %s", took)
		}
		// A pause gives credit, but no more than there may be.
		time.Sleep(time.Hour)
		begun = time.Now()
		if err := errors.Join(p.Wait(t.Context(), time.Second), p.Wait(t.Context(), time.Second)); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took < time.Second || took > time.Second+paceRest {
			t.Errorf("a second beyond the credit took %s", took)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		time.AfterFunc(time.Second, func() { cancel(gone) })
		if err := p.Wait(ctx, time.Hour); !errors.Is(err, gone) {
			t.Errorf("%v; want %v", err, gone)
		}
	})
}
