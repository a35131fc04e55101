package pgstore

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/botyard/botyard/pgtest"
	"github.com/botyard/botyard/sdk"
)

// BenchmarkTurn measures a Begin and a Commit by several concurrent callers. Each caller has its
// own conversation.
func BenchmarkTurn(b *testing.B) {
	c := pgtest.For(b, pgtest.Options{})
	s := open(b, config(c.DSN("")))
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			var next atomic.Int64
			// SetParallelism takes a number of goroutines per processor. On a machine with two
			// processors there are exactly as many goroutines as callers.
			b.SetParallelism((callers + 1) / 2)
			b.RunParallel(func(pb *testing.PB) {
				talk := sdk.Call{Tenant: "t", Conversation: fmt.Sprint(b.N, " ", next.Add(1)), User: "u"}
				for pb.Next() {
					commit(b, s, talk, begin(b, s, talk))
				}
			})
		})
	}
}
