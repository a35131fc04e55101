package poll

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestEvery(t *testing.T) {
	t.Run("calls once an interval and for each wake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			wake := make(chan struct{})
			calls := 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				Every(ctx, time.Second, wake, func() { calls++ })
			}()
			time.Sleep(2500 * time.Millisecond)
			synctest.Wait()
			if calls != 2 {
				t.Errorf("%d calls after two and a half intervals; want 2", calls)
			}
			wake <- struct{}{}
			synctest.Wait()
			if calls != 3 {
				t.Errorf("%d calls after a wake; want 3", calls)
			}
			cancel()
			<-done
		})
	})
	t.Run("does not call once ctx has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		Every(ctx, time.Nanosecond, nil, func() { t.Error("called") })
	})
}
