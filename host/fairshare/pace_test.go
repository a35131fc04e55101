package fairshare

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/botyard/botyard/sdk/fault"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(time.Second, 10)
		s := NewPacedSlots(1, 1, p)
		work := func(tenant string, takes, away time.Duration) {
			t.Helper()
			err := s.Do(t.Context(), tenant, func(ctx context.Context) error {
				time.Sleep(takes / 2)
				_ = Away(ctx, func() error { time.Sleep(away); return nil })
				time.Sleep(takes / 2)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		work("calm", 0, time.Hour) // the time in Away costs no credit
		work("busy", time.Second, 0)
		if err := p.Check("busy"); err != nil {
			t.Errorf("within its credit: %v", err)
		}
		work("busy", 400*time.Millisecond, 0)
		err := p.Check("busy")
		var wrong *fault.Error
		if !fault.Is(err, fault.RateLimited) || !errors.As(err, &wrong) || wrong.RetryAfter != 10*(400-90)*time.Millisecond {
			// The tenant worked for 1.4 seconds with a credit of 1 second. A tenth of the 0.9
			// seconds since its first half second of work was refilled.
			t.Fatalf("beyond its credit: %v, to wait %s", err, wrong.RetryAfter)
		}
		if err := p.Check("calm"); err != nil {
			t.Errorf("another tenant: %v", err)
		}
		time.Sleep(wrong.RetryAfter)
		if err := p.Check("busy"); err != nil {
			t.Errorf("when its time has come: %v", err)
		}

		// In the long run the tenant may work for a tenth of the time.
		begin, used := time.Now(), time.Duration(0)
		for time.Since(begin) < time.Hour {
			if err := p.Check("busy"); err != nil {
				errors.As(err, &wrong)
				time.Sleep(wrong.RetryAfter)
				continue
			}
			work("busy", 50*time.Millisecond, 0)
			used += 50 * time.Millisecond
		}
		if used > 6*time.Minute+2*time.Second || used < 5*time.Minute {
			t.Errorf("in an hour the tenant worked for %s", used)
		}

		// The Pace drops the account of a tenant that has its whole credit.
		for i := range 1000 {
			work(fmt.Sprint("honest", i), time.Millisecond, 0)
		}
		if n := p.accounts.Len(); n > 20 || n != len(p.of) {
			t.Errorf("the list has %d accounts, and the map has %d", n, len(p.of))
		}
	})
}
