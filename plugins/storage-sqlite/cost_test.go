package sqlitestore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/botyard/botyard/sdk"
	"github.com/botyard/botyard/sdk/chat"
	"github.com/botyard/botyard/sdk/storage"
)

// BenchmarkTurn is a Begin and a Commit of so many callers at once, each in a
// conversation of its own.
func BenchmarkTurn(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, err := Open(Config{Path: "botyard.db"}, sdk.Env{DataDir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			var wg sync.WaitGroup
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			for i := range callers {
				wg.Go(func() {
					c := sdk.Call{Tenant: fmt.Sprint("t", i), Conversation: "c", User: "u"}
					for left.Add(-1) >= 0 {
						if err := oneTurn(b, s, c); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "turns/s")
		})
	}
}

func oneTurn(t testing.TB, s storage.Storage, c sdk.Call) error {
	res, err := s.Begin(t.Context(), &storage.BeginRequest{Call: c, Tail: 20, Holder: "h", Lease: time.Hour,
		Message: chat.Text(chat.User, "What does the moon weigh?")})
	if err != nil {
		return err
	}
	_, err = s.Commit(t.Context(), &storage.CommitRequest{Call: c, Fence: res.Started.Fence,
		State: storage.Succeeded, Messages: []chat.Message{chat.Text(chat.Assistant, "About 7.3e22 kilograms, which is a lot.")}})
	return err
}
